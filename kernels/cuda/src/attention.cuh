// What the kernels of attention read. A job's parts and the pages of their keys and values are a table in the device's memory, so that one
// launch computes all parts, whatever their lengths; addresses are relative to those of the first part and page, so that a table stands
// for every layer of a step.
//
// A row is a query of one head. The rows of a part and key head are those of all heads that read it, a query after the other:
// row r is query r/members of member r%members. They read the same keys and values, which are read once for all.
#pragma once

#include "product.cuh"

struct alignas(16) AttendPage {
  int64_t k, v; // of key 0 and column 0, in floats from that of the first page
  int k_row, v_row, at, rows; // it holds keys [at, at+rows)
};

struct alignas(16) AttendPart {
  int64_t q, out, scores; // of query 0 and head 0, in floats from that of the first part; where its scores are in scratch
  int q_row, out_row, queries;
  int first, more; // query i sees first + more*i keys
  int stride;      // between rows of scores: a multiple of 64
  int page, pages, each, unused; // its pages, and how many keys the first of them holds
};

struct Attend {
  const AttendPart *parts;
  const AttendPage *pages;
  const float *q, *k, *v;
  float *out, *scores;
  int part, head; // the first of both; blockIdx.z counts parts, blockIdx.y key heads
  int members;    // heads that read one key head
  int group, width;
  int tile; // rows of a block of scores and of values
  int lo, hi; // queries of each part
  int row_blocks; // of the part that has most
  int wide; // bits: 1 queries, 2 keys, 4 values can be read 16 bytes at a time
  float scale;
  int unused;
};

// Rows are those of one part and key head.
struct AttendRows {
  AttendPart p;
  int kv, n, hi;
};

FN AttendRows attend_rows(const Attend &a) {
  AttendRows r;
  r.p = a.parts[a.part + blockIdx.z];
  r.kv = a.head / a.group + blockIdx.y;
  r.hi = a.hi < r.p.queries ? a.hi : r.p.queries;
  r.n = (r.hi - a.lo) * a.members;
  return r;
}

// attend_query is the query of a row.
FN int attend_query(const Attend &a, int row) { return a.lo + row / a.members; }

// attend_head is the head of a row.
FN int attend_head(const Attend &a, int row) { return a.head + int(blockIdx.y) * a.group + row % a.members; }

// attend_keys is how many keys are gone through for the rows of a tile, the first of which is row: those that its last query sees, or a
// query a little later, so that it is the same for up to 8 queries whatever the tile.
FN int attend_keys(const Attend &a, const AttendRows &r, int row) {
  int last = (row + a.tile < r.n ? row + a.tile : r.n) - 1, query = a.lo + (last / a.members | 7);
  if (query >= r.hi) query = r.hi - 1;
  return r.p.first + r.p.more * query;
}

// attend_scores_of is a row of scores.
FN float *attend_scores_of(const Attend &a, const AttendRows &r, int row) { return a.scores + r.p.scores + (int64_t(blockIdx.y) * r.n + row) * r.p.stride; }

// attend_page is the page that holds a key.
FN const AttendPage *attend_page(const Attend &a, const AttendPart &p, int key) {
  const AttendPage *pages = a.pages + p.page;
  int i = key / p.each;
  if (i >= p.pages) i = p.pages - 1;
  while (pages[i].at > key) i--;
  while (i + 1 < p.pages && pages[i + 1].at <= key) i++;
  if (PLANTED("page") && i > 0) i--;
  return pages + i;
}

// PageCursor goes through the pages of a part, for keys that ascend. The next page is asked for long before it is needed.
struct PageCursor {
  AttendPage now, next;
  const AttendPage *to, *last;
};

FN PageCursor attend_cursor(const Attend &a, const AttendPart &p) {
  PageCursor c;
  c.to = a.pages + p.page, c.last = c.to + p.pages - 1;
  c.now = *c.to;
  if (c.to < c.last) c.to++;
  c.next = *c.to;
  return c;
}

// attend_value is where the values of a key are.
FN int64_t attend_value(PageCursor &c, int key) {
  while (key >= c.now.at + c.now.rows) {
    c.now = c.next;
    if (c.to < c.last) c.to++;
    c.next = *c.to;
  }
  return c.now.v + int64_t(key - c.now.at) * c.now.v_row;
}

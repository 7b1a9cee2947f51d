//go:build cuda && linux

#include "drv.h"

#include <stdlib.h>
#include <string.h>

int drv_launch_all(drv_table *drv, void *ctx, void *stream, const drv_launch *list, size_t n, char *args, size_t *failed) {
  int code = drv->CtxSetCurrent(ctx);
  *failed = 0;
  for (size_t i = 0; i < n && !code; i++) {
    const drv_launch *l = &list[i];
    void *arg[1] = {args + l->at};
    *failed = i;
    code = drv->LaunchKernel((void *)l->function, l->grid[0], l->grid[1], l->grid[2], l->threads, 1, 1, 0, stream, arg, NULL);
  }
  return code;
}

static void describe(const drv_launch *l, void **arg, drv_kernel *k) {
  memset(k, 0, sizeof *k);
  k->function = (void *)l->function;
  memcpy(k->grid, l->grid, sizeof k->grid);
  k->block[0] = l->threads, k->block[1] = 1, k->block[2] = 1;
  k->args = arg;
}

int drv_graph_make(drv_table *drv, void *ctx, const drv_launch *list, size_t n, char *args, size_t bytes, drv_graph *g) {
  int code = drv->CtxSetCurrent(ctx);
  memset(g, 0, sizeof *g);
  if (code) return code;
  g->nodes = malloc(n * sizeof *g->nodes);
  g->args = malloc(bytes);
  code = g->nodes && g->args ? drv->GraphCreate(&g->graph, 0) : 2;
  for (size_t i = 0; i < n && !code; i++) {
    void *arg[1] = {args + list[i].at};
    drv_kernel k;
    describe(&list[i], arg, &k);
    code = drv->GraphAddKernelNode(&g->nodes[i], g->graph, i ? &g->nodes[i - 1] : NULL, i ? 1 : 0, &k);
  }
  if (!code) code = drv->GraphInstantiate(&g->exec, g->graph, 0);
  if (code) {
    drv_graph_destroy(drv, ctx, g);
  } else {
    memcpy(g->args, args, bytes);
  }
  return code;
}

int drv_graph_launch(drv_table *drv, void *ctx, void *stream, drv_graph *g, const drv_launch *list, size_t n, char *args, size_t *failed) {
  int code = drv->CtxSetCurrent(ctx);
  *failed = 0;
  for (size_t i = 0; i < n && !code; i++) {
    const drv_launch *l = &list[i];
    if (!memcmp(g->args + l->at, args + l->at, l->bytes)) continue;
    void *arg[1] = {args + l->at};
    drv_kernel k;
    describe(l, arg, &k);
    *failed = i;
    code = drv->GraphExecKernelNodeSetParams(g->exec, g->nodes[i], &k);
    memcpy(g->args + l->at, args + l->at, l->bytes);
  }
  return code ? code : drv->GraphLaunch(g->exec, stream);
}

void drv_graph_destroy(drv_table *drv, void *ctx, drv_graph *g) {
  if (!drv->CtxSetCurrent(ctx)) {
    if (g->exec) drv->GraphExecDestroy(g->exec);
    if (g->graph) drv->GraphDestroy(g->graph);
  }
  free(g->nodes);
  free(g->args);
  memset(g, 0, sizeof *g);
}

// What a GPU's memory would have to do for the loads and copies of a launch, counted. Between two barriers the lanes of a warp do the same
// things in the same order, so that the nth load of each belongs to one instruction. fibers.cc includes this.
//
// Shared memory has 32 banks of 4 bytes. One access serves each bank once, whoever asks for the word. A warp's load is
//
//   of 4 bytes    one access, of all lanes
//   of 16 bytes   one for each eight lanes; one for each sixteen where lanes 2n and 2n+1, or n and n^2, load the same
//
// if no bank is asked for two words; else as many as the words of the busiest one. (NVIDIA does not document the second; it is what its
// SIMT kernels of CUTLASS arrange their lanes for.)
struct Traffic {
  struct Load {
    int line;
    uintptr_t at;
    int bytes;
  };
  struct Tally {
    long requests, accesses;
  };
  std::vector<Load> loads[most_threads], copies[most_threads];
  std::map<int, Tally> of_line; // of shared memory
  long copied = 0, sectors = 0, least = 0; // requests for copies, their sectors of 32 bytes, and how many these had to be
  const char *file = nullptr;

  void begin() {
    file = getenv("CUDASIM_TRAFFIC");
    of_line.clear();
    copied = sectors = least = 0;
  }

  void add(std::vector<Load> *to, int line, const void *p, int bytes) {
    if (file) to[current].push_back({line, uintptr_t(p), bytes});
  }

  // banks is the most words that one bank is asked for.
  static int banks(const std::vector<Load> &l) {
    std::set<uintptr_t> words[32];
    size_t most = 1;
    for (const Load &x : l) {
      for (uintptr_t w = x.at / 4; w < (x.at + x.bytes) / 4; w++) words[w % 32].insert(w);
    }
    for (auto &w : words) most = std::max(most, w.size());
    return int(most);
  }

  static int accesses(const std::vector<Load> &l) {
    if (l[0].bytes <= 4) return banks(l);
    int n = 0;
    for (size_t half = 0; half < l.size(); half += 16) {
      std::vector<Load> h(l.begin() + half, l.begin() + std::min(half + 16, l.size()));
      bool pairs = true, fours = true;
      for (size_t i = 0; i < h.size(); i++) {
        pairs = pairs && h[i].at == h[std::min(i ^ 1, h.size() - 1)].at;
        fours = fours && h[i].at == h[std::min(i ^ 2, h.size() - 1)].at;
      }
      if (pairs || fours) {
        n += banks(h);
        continue;
      }
      for (size_t q = 0; q < h.size(); q += 8) n += banks({h.begin() + q, h.begin() + std::min(q + 8, h.size())});
    }
    return n;
  }

  // each calls f with the loads of every instruction of a warp.
  template <typename F> static void each(std::vector<Load> *of, int threads, F f) {
    for (int first = 0; first < threads; first += lanes) {
      size_t n = 0;
      for (int i = first; i < std::min(first + lanes, threads); i++) n = std::max(n, of[i].size());
      for (size_t at = 0; at < n; at++) {
        std::vector<Load> request;
        for (int i = first; i < std::min(first + lanes, threads); i++) {
          if (at < of[i].size()) request.push_back(of[i][at]);
        }
        f(request);
      }
    }
    for (int i = 0; i < threads; i++) of[i].clear();
  }

  // met counts what has been loaded since the threads last met.
  void met(int threads) {
    if (!file) return;
    each(loads, threads, [&](const std::vector<Load> &l) {
      Tally &t = of_line[l[0].line];
      t.requests++, t.accesses += accesses(l);
    });
    each(copies, threads, [&](const std::vector<Load> &l) {
      std::set<uintptr_t> touched;
      long bytes = 0;
      for (const Load &x : l) {
        for (uintptr_t s = x.at / 32; x.bytes && s <= (x.at + x.bytes - 1) / 32; s++) touched.insert(s);
        bytes += x.bytes;
      }
      copied++, sectors += touched.size(), least += (bytes + 31) / 32;
    });
  }

  void end(const char *kernel) {
    FILE *f = file ? fopen(file, "a") : nullptr;
    if (!f) return;
    for (auto &t : of_line) fprintf(f, "%s line %d requests %ld accesses %ld\n", kernel, t.first, t.second.requests, t.second.accesses);
    fprintf(f, "%s copies %ld sectors %ld least %ld\n", kernel, copied, sectors, least);
    fclose(f);
  }
} traffic;

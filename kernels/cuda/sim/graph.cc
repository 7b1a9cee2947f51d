// Graphs of kernels. Arguments are copied when a node is made and when an executable graph's are set, and a launch takes those that the
// graph has then. What is not ordered by an edge runs in another order than it was added in.

namespace {

struct Node {
  Launch launch;
  std::vector<Node *> after;
};
struct Graph {
  std::vector<std::unique_ptr<Node>> nodes;
};
struct Executable {
  Graph *graph;
  std::vector<std::pair<Node *, Launch>> launches; // in their order
};
std::set<Graph *> graphs;
std::set<Executable *> executables;

} // namespace

struct KernelNode { // CUDA_KERNEL_NODE_PARAMS_v2
  void *function;
  unsigned grid[3], block[3], shared;
  void **args, **extra;
  void *kernel, *context;
};

API cuGraphCreate(void **g, unsigned flags) {
  ENTER_CONTEXT("cuGraphCreate");
  if (flags) return 1;
  Graph *made = new Graph;
  graphs.insert(made);
  *g = made;
  return 0;
}
API cuGraphAddKernelNode_v2(void **node, void *g, void *const *after, size_t n, const KernelNode *p) {
  ENTER_CONTEXT("cuGraphAddKernelNode_v2");
  Graph *graph = static_cast<Graph *>(g);
  if (!graphs.count(graph)) return 400;
  Launch l = launch_of(p->function, p->grid, p->block, p->args);
  if (!l.valid() || p->shared || p->extra || p->kernel) return 1;
  std::unique_ptr<Node> made(new Node{l, {}});
  for (size_t i = 0; i < n; i++) {
    bool mine = false;
    for (auto &other : graph->nodes) mine = mine || other.get() == after[i];
    if (!mine) return 1;
    made->after.push_back(static_cast<Node *>(after[i]));
  }
  *node = made.get();
  graph->nodes.push_back(std::move(made));
  return 0;
}
API cuGraphInstantiateWithFlags(void **x, void *g, unsigned long long flags) {
  ENTER_CONTEXT("cuGraphInstantiateWithFlags");
  Graph *graph = static_cast<Graph *>(g);
  if (!graphs.count(graph)) return 400;
  if (flags) return 1;
  Executable *made = new Executable{graph, {}};
  std::set<Node *> done;
  while (done.size() < graph->nodes.size()) { // the last one that may go goes first
    for (size_t i = graph->nodes.size(); i-- > 0;) {
      Node *node = graph->nodes[i].get();
      bool ready = !done.count(node);
      for (Node *before : node->after) ready = ready && done.count(before);
      if (!ready) continue;
      made->launches.push_back({node, node->launch});
      done.insert(node);
      break;
    }
  }
  executables.insert(made);
  *x = made;
  return 0;
}
API cuGraphExecKernelNodeSetParams_v2(void *x, void *node, const KernelNode *p) {
  ENTER_CONTEXT("cuGraphExecKernelNodeSetParams_v2");
  Executable *exec = static_cast<Executable *>(x);
  if (!executables.count(exec) || !graphs.count(exec->graph)) return 400;
  for (auto &l : exec->launches) {
    if (l.first != node) continue;
    Launch now = launch_of(p->function, p->grid, p->block, p->args);
    if (!now.valid() || p->shared || p->extra || p->kernel || now.kernel != l.second.kernel) return 1;
    l.second = now;
    return 0;
  }
  return 1;
}
API cuGraphLaunch(void *x, void *stream) {
  ENTER_CONTEXT("cuGraphLaunch");
  Executable *exec = static_cast<Executable *>(x);
  if (!executables.count(exec)) return 400;
  return give(stream, [launches = exec->launches] {
    for (auto &l : launches) {
      if (int code = l.second.run()) return code;
    }
    return 0;
  });
}
API cuGraphExecDestroy(void *x) {
  std::lock_guard<std::recursive_mutex> held(lock);
  counted["cuGraphExecDestroy"]++;
  if (!executables.erase(static_cast<Executable *>(x))) return 400;
  delete static_cast<Executable *>(x);
  return 0;
}
API cuGraphDestroy(void *g) {
  std::lock_guard<std::recursive_mutex> held(lock);
  counted["cuGraphDestroy"]++;
  if (!graphs.erase(static_cast<Graph *>(g))) return 400;
  delete static_cast<Graph *>(g);
  return 0;
}

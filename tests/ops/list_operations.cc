// Preloaded (LD_PRELOAD) into a program, prints the operations of this project that are registered
// in it and exits before main(): a line per operation, its name and the dispatch keys that have a
// kernel.
#include <ATen/core/dispatch/Dispatcher.h>
#include <dlfcn.h>
#include <unistd.h>

#include <cstdio>

namespace {

using Main = int (*)(int, char**, char**);

void list_operations() {
  c10::Dispatcher& dispatcher = c10::Dispatcher::singleton();
  for (const c10::OperatorName& name : dispatcher.getAllOpNames()) {
    if (name.name.rfind("s2i::", 0) != 0) continue;
    const auto operation = dispatcher.findSchema(name);
    if (!operation) continue;  // kernels without a schema
    std::printf("%s", name.name.c_str());
    using c10::DispatchKey;
    for (const DispatchKey key :
         {DispatchKey::CPU, DispatchKey::CUDA, DispatchKey::Meta, DispatchKey::Autograd,
          DispatchKey::CompositeExplicitAutograd, DispatchKey::CompositeImplicitAutograd}) {
      if (operation->hasKernelForDispatchKey(key)) std::printf(" %s", c10::toString(key));
    }
    std::printf("\n");
  }
}

int list_and_exit(int, char**, char**) {
  list_operations();
  std::fflush(stdout);
  _exit(0);
}

}  // namespace

// The C library calls main() from here, after the initializers of the program have run.
extern "C" int __libc_start_main(Main, int argc, char** argv, void (*init)(), void (*fini)(),
                                 void (*rtld_fini)(), void* stack_end) {
  using Start = int (*)(Main, int, char**, void (*)(), void (*)(), void (*)(), void*);
  const auto start = reinterpret_cast<Start>(dlsym(RTLD_NEXT, "__libc_start_main"));
  return start(&list_and_exit, argc, argv, init, fini, rtld_fini, stack_end);
}

// CUDA kernels as ordinary C++ on one host thread: each CUDA thread is a fiber.
//
// The schedule is chosen: in order, reversed, or drawn from a seed, with several blocks resident
// and fibers changed at every atomic and relaxed access.  So a result that depends on the
// schedule shows, a lost update happens, and a barrier that not all threads reach is an error.
// Shared memory starts as garbage, as on a GPU.  x86-64 only.  Runs under ASan and UBSan.
#pragma once
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <type_traits>
#include <utility>
#include <vector>
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

#define __global__
#define __device__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __shared__ static __attribute__((section("cuda_shared")))
extern "C" {
extern char __start_cuda_shared[] __attribute__((weak));
extern char __stop_cuda_shared[] __attribute__((weak));
}
struct alignas(16) uint4 { unsigned x, y, z, w; };

namespace shim {

// The scheduler moves between stacks: no sanitizer may instrument it.
#define UNCHECKED static __attribute__((noinline, no_sanitize("address", "undefined")))

struct Dim { unsigned x, y, z; };
enum class State : uint8_t { ready, at_barrier, in_warp, done };
enum class Order : int { forward, backward, random };

struct Fiber {
    void *stack_pointer;
    char *stack;
    State state;
    int slot, thread; // resident block, and linear index of the thread in it
    Dim index;
    const char *place;       // where it waits
    int64_t sent, received;  // by a shuffle
    unsigned distance;
};

struct Block {
    Dim index;
    int alive, waiting;
    std::vector<char> shared;
};

struct Machine {
    Dim grid, block;
    int threads, resident, shared_slot;
    Order order;
    uint32_t yield_chance; // of 65536
    uint64_t random_state;
    void (*entry)(void *);
    void *arguments, *main_stack_pointer;
    Fiber *current;
    std::vector<Fiber> fibers;
    std::vector<Block> blocks;
    std::vector<int> ready;
    char error[256];
#ifdef __SANITIZE_ADDRESS__
    const void *main_stack;
    size_t main_stack_size;
#endif
};
static Machine machine;

#ifdef __SANITIZE_ADDRESS__
constexpr size_t stack_size = 65536;
#else
constexpr size_t stack_size = 16384;
#endif

extern "C" void shim_switch(void **save, void *to);
asm(R"(
.text
.type shim_switch,@function
shim_switch:
  pushq %rbp; pushq %rbx; pushq %r12; pushq %r13; pushq %r14; pushq %r15
  movq %rsp,(%rdi)
  movq %rsi,%rsp
  popq %r15; popq %r14; popq %r13; popq %r12; popq %rbx; popq %rbp
  ret
.size shim_switch,.-shim_switch
)");

UNCHECKED uint32_t random_bits()
{
    uint64_t x = machine.random_state;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    machine.random_state = x;
    return (uint32_t)(x >> 24);
}

UNCHECKED void fail(const char *what, const Fiber &fiber)
{
    if (machine.error[0]) return;
    snprintf(machine.error, sizeof machine.error, "%s: block %u thread %d, %s", what,
             machine.blocks[fiber.slot].index.x, fiber.thread, fiber.place ? fiber.place : "");
}

UNCHECKED size_t shared_size()
{
    return __start_cuda_shared ? (size_t)(__stop_cuda_shared - __start_cuda_shared) : 0;
}

// The static variables in cuda_shared belong to one resident block at a time.
UNCHECKED void show_shared(int slot)
{
    if (machine.shared_slot == slot) return;
    for (size_t i = 0; i < shared_size(); ++i) {
        if (machine.shared_slot >= 0) machine.blocks[machine.shared_slot].shared[i] = __start_cuda_shared[i];
        __start_cuda_shared[i] = machine.blocks[slot].shared[i];
    }
    machine.shared_slot = slot;
}

UNCHECKED void leave()
{
    Fiber *self = machine.current;
#ifdef __SANITIZE_ADDRESS__
    void *fake = nullptr;
    __sanitizer_start_switch_fiber(self->state == State::done ? nullptr : &fake, machine.main_stack,
                                   machine.main_stack_size);
#endif
    shim_switch(&self->stack_pointer, machine.main_stack_pointer);
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_finish_switch_fiber(fake, &machine.main_stack, &machine.main_stack_size);
#endif
}

UNCHECKED void enter(Fiber &fiber)
{
    machine.current = &fiber;
    show_shared(fiber.slot);
#ifdef __SANITIZE_ADDRESS__
    void *fake = nullptr;
    __sanitizer_start_switch_fiber(&fake, fiber.stack, stack_size);
#endif
    shim_switch(&machine.main_stack_pointer, fiber.stack_pointer);
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_finish_switch_fiber(fake, nullptr, nullptr);
#endif
}

UNCHECKED void fiber_main()
{
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_finish_switch_fiber(nullptr, &machine.main_stack, &machine.main_stack_size);
#endif
    machine.entry(machine.arguments);
    machine.current->state = State::done;
    leave();
    __builtin_trap();
}

UNCHECKED void make_ready(int fiber)
{
    machine.fibers[fiber].state = State::ready;
    machine.ready.push_back(fiber);
}

UNCHECKED void start_block(int slot, Dim index)
{
    Block &block = machine.blocks[slot];
    block.index = index;
    block.alive = machine.threads;
    block.waiting = 0;
    char *shared = machine.shared_slot == slot ? __start_cuda_shared : block.shared.data();
    for (size_t i = 0; i < shared_size(); ++i) shared[i] = (char)0xA5;
    const Dim size = machine.block;
    for (int t = machine.threads - 1; t >= 0; --t) { // ready is taken from its end: thread 0 first
        Fiber &fiber = machine.fibers[slot * machine.threads + t];
        fiber.slot = slot;
        fiber.thread = t;
        fiber.index = {t % size.x, t / size.x % size.y, t / (size.x * size.y)};
        fiber.place = nullptr;
#ifdef __SANITIZE_ADDRESS__
        __asan_unpoison_memory_region(fiber.stack, stack_size);
#endif
        void **top = (void **)(fiber.stack + stack_size);
        *--top = nullptr;
        *--top = (void *)fiber_main;
        for (int k = 0; k < 6; ++k) *--top = nullptr; // the registers that shim_switch pops
        fiber.stack_pointer = top;
        make_ready(slot * machine.threads + t);
    }
}

UNCHECKED void open_barrier_if_full(int slot)
{
    Block &block = machine.blocks[slot];
    if (!block.waiting || block.waiting < block.alive) return;
    const char *place = nullptr;
    for (int t = 0; t < machine.threads; ++t) {
        Fiber &fiber = machine.fibers[slot * machine.threads + t];
        if (fiber.state != State::at_barrier) {
            fail("__syncthreads is not reached by all threads", fiber);
            return;
        }
        if (!place) place = fiber.place;
        if (place != fiber.place) fail("__syncthreads is reached at different places", fiber);
        make_ready(slot * machine.threads + t);
    }
    block.waiting = 0;
}

UNCHECKED void barrier(const char *place)
{
    Fiber &self = *machine.current;
    self.place = place;
    self.state = State::at_barrier;
    machine.blocks[self.slot].waiting++;
    open_barrier_if_full(self.slot);
    leave();
}

// The last lane to arrive hands every lane the value of the one `distance` before it.
UNCHECKED void finish_shuffle_if_full(const Fiber &self)
{
    Fiber *lane = &machine.fibers[self.slot * machine.threads + (self.thread & ~31)];
    if (machine.threads - (self.thread & ~31) < 32) return fail("a shuffle needs whole warps", self);
    for (int l = 0; l < 32; ++l) {
        if (lane[l].state == State::done) return fail("a shuffle names a lane that has ended", self);
        if (lane[l].state != State::in_warp) return;
        if (lane[l].place != self.place || lane[l].distance != self.distance)
            return fail("lanes meet in different shuffles", self);
    }
    for (int l = 0; l < 32; ++l) {
        const int from = l - (int)self.distance;
        lane[l].received = lane[from < 0 ? l : from].sent;
        make_ready((int)(&lane[l] - machine.fibers.data()));
    }
}

UNCHECKED int64_t shuffle_up(uint32_t mask, int64_t value, unsigned distance, const char *place)
{
    Fiber &self = *machine.current;
    if (mask != 0xffffffffu) fail("only whole warps shuffle", self);
    self.place = place;
    self.sent = value;
    self.distance = distance;
    self.state = State::in_warp;
    finish_shuffle_if_full(self);
    leave();
    return self.received;
}

UNCHECKED void maybe_yield()
{
    if (!machine.yield_chance || (random_bits() & 0xffff) >= machine.yield_chance) return;
    make_ready((int)(machine.current - machine.fibers.data()));
    leave();
}

UNCHECKED Dim block_index(long long number, long long total, const std::vector<long long> &shuffled)
{
    if (machine.order == Order::backward) number = total - 1 - number;
    if (machine.order == Order::random) number = shuffled[number];
    const Dim grid = machine.grid;
    return {(unsigned)(number % grid.x), (unsigned)(number / grid.x % grid.y),
            (unsigned)(number / ((long long)grid.x * grid.y))};
}

UNCHECKED void run_grid(long long total)
{
    std::vector<long long> shuffled;
    if (machine.order == Order::random) {
        for (long long i = 0; i < total; ++i) shuffled.push_back(i);
        for (long long i = total - 1; i > 0; --i) std::swap(shuffled[i], shuffled[random_bits() % (i + 1)]);
    }
    long long next = 0;
    int running = 0;
    machine.ready.clear();
    for (; running < machine.resident; ++running) start_block(running, block_index(next++, total, shuffled));
    while (running && !machine.error[0]) {
        if (machine.ready.empty()) return fail("deadlock: all threads wait", machine.fibers[0]);
        const size_t last = machine.ready.size() - 1;
        const size_t pick = machine.order == Order::random ? random_bits() % (last + 1) : last;
        Fiber &fiber = machine.fibers[machine.ready[pick]];
        machine.ready[pick] = machine.ready[last];
        machine.ready.pop_back();
        enter(fiber);
        if (fiber.state != State::done) continue;
        Block &block = machine.blocks[fiber.slot];
        if (--block.alive) {
            open_barrier_if_full(fiber.slot);
        } else if (next < total) {
            start_block(fiber.slot, block_index(next++, total, shuffled));
        } else {
            --running;
        }
    }
}

struct Schedule {
    int resident, order;
    uint32_t yield_chance;
    uint64_t seed;
};

UNCHECKED const char *launch(void (*entry)(void *), void *arguments, const unsigned *grid,
                             const unsigned *block, const Schedule *schedule)
{
    machine.grid = {grid[0], grid[1], grid[2]};
    machine.block = {block[0], block[1], block[2]};
    machine.error[0] = 0;
    const long long total = (long long)grid[0] * grid[1] * grid[2];
    machine.threads = (int)(block[0] * block[1] * block[2]);
    if (machine.threads < 1 || machine.threads > 1024 || total < 1) {
        snprintf(machine.error, sizeof machine.error, "invalid launch: %d threads, %lld blocks", machine.threads, total);
        return machine.error;
    }
    machine.resident = (int)(schedule->resident < total ? schedule->resident : total);
    machine.order = (Order)schedule->order;
    machine.yield_chance = schedule->yield_chance;
    machine.random_state = schedule->seed * 0x9E3779B97F4A7C15ull + 0x1234567;
    machine.entry = entry;
    machine.arguments = arguments;
    machine.shared_slot = -1;
    const size_t fibers = (size_t)machine.threads * machine.resident;
    while (machine.fibers.size() < fibers) {
        Fiber fiber{};
        fiber.stack = (char *)aligned_alloc(64, stack_size);
        machine.fibers.push_back(fiber);
    }
    while (machine.blocks.size() < (size_t)machine.resident) machine.blocks.push_back({});
    for (Block &one : machine.blocks) one.shared.resize(shared_size());
    run_grid(total);
    return machine.error[0] ? machine.error : nullptr;
}

// A kernel behind a C interface: its arguments as pointers, and the size of each.
template <class> struct Kernel;
template <class... A> struct Kernel<void (*)(A...)> {
    struct Call {
        void (*kernel)(A...);
        void **arguments;
    };
    template <size_t... I> static void call(const Call &c, std::index_sequence<I...>)
    {
        c.kernel(*(A *)c.arguments[I]...);
    }
    static void entry(void *call_)
    {
        call(*(Call *)call_, std::index_sequence_for<A...>{});
    }
    static const char *run(void (*kernel)(A...), void **arguments, const unsigned *grid,
                           const unsigned *block, const Schedule *schedule)
    {
        Call c{kernel, arguments};
        return launch(entry, &c, grid, block, schedule);
    }
    static int signature(int *size, int *is_pointer)
    {
        const int sizes[] = {(int)sizeof(A)...}, pointers[] = {(int)std::is_pointer<A>::value...};
        for (size_t i = 0; i < sizeof...(A); ++i) size[i] = sizes[i], is_pointer[i] = pointers[i];
        return sizeof...(A);
    }
};

#define EXPORT_KERNEL(name)                                                                        \
    extern "C" const char *run_##name(void **arguments, const unsigned *grid, const unsigned *block, \
                                      const shim::Schedule *schedule)                              \
    {                                                                                              \
        return shim::Kernel<decltype(&name)>::run(&name, arguments, grid, block, schedule);        \
    }                                                                                              \
    extern "C" int signature_##name(int *size, int *is_pointer)                                    \
    {                                                                                              \
        return shim::Kernel<decltype(&name)>::signature(size, is_pointer);                         \
    }

} // namespace shim

#define threadIdx (shim::machine.current->index)
#define blockIdx (shim::machine.blocks[shim::machine.current->slot].index)
#define blockDim (shim::machine.block)
#define gridDim (shim::machine.grid)
#define SHIM_TEXT_(x) #x
#define SHIM_TEXT(x) SHIM_TEXT_(x)
#define SHIM_PLACE __FILE__ ":" SHIM_TEXT(__LINE__)
#define __syncthreads() shim::barrier(SHIM_PLACE)
#define __shfl_up_sync(mask, value, distance) \
    ((decltype(value))shim::shuffle_up(mask, (int64_t)(value), distance, SHIM_PLACE))
#define LOAD_RELAXED(p) (shim::maybe_yield(), __atomic_load_n((const int *)(p), __ATOMIC_RELAXED))
#define STORE_RELAXED(p, v) (shim::maybe_yield(), __atomic_store_n((int *)(p), (int)(v), __ATOMIC_RELAXED))

static inline int __popc(unsigned x) { return __builtin_popcount(x); }
static inline int __ffs(int x) { return __builtin_ffs(x); }
static inline unsigned __funnelshift_l(unsigned low, unsigned high, unsigned shift)
{
    shift &= 31;
    return shift ? high << shift | low >> (32 - shift) : high;
}
// Fibers change before an atomic, never within: indivisible on one host thread.
template <class T> static inline T atomicAdd(T *p, T value)
{
    shim::maybe_yield();
    const T old = *p;
    *p = old + value;
    return old;
}
template <class T> static inline T atomicMin(T *p, T value)
{
    shim::maybe_yield();
    const T old = *p;
    if (value < old) *p = value;
    return old;
}
template <class T> static inline T atomicMax(T *p, T value)
{
    shim::maybe_yield();
    const T old = *p;
    if (value > old) *p = value;
    return old;
}

// Reductions: how a value joins what is known so far, how two such states join, and the result.
// X is the element type, R the result's, N the number of elements reduced.

template <class X, class R>
struct sum {
  typedef math_t<R> State;
  static __device__ State start() { return (State)0; }
  static __device__ void step(State &state, X value, long) { state += to<State>(value); }
  static __device__ void join(State &state, const State &other) { state += other; }
  static __device__ R result(const State &state, long, const Slot *) { return to<R>(state); }
};

template <class X, class R>
struct nansum : sum<X, R> {
  typedef math_t<R> State;
  static __device__ void step(State &state, X value, long) {
    if (!is_nan(value)) state += to<State>(value);
  }
};

template <class X, class R>
struct mean : sum<X, R> {
  typedef math_t<R> State;
  static __device__ R result(const State &state, long count, const Slot *) {
    return to<R>(state / (State)count);
  }
};

template <class X, class R>
struct prod {
  typedef math_t<R> State;
  static __device__ State start() { return (State)1; }
  static __device__ void step(State &state, X value, long) { state = state * to<State>(value); }
  static __device__ void join(State &state, const State &other) { state = state * other; }
  static __device__ R result(const State &state, long, const Slot *) { return to<R>(state); }
};

template <class X, class R>
struct all_true {
  typedef bool State;
  static __device__ State start() { return true; }
  static __device__ void step(State &state, X value, long) { state = state && to<bool>(value); }
  static __device__ void join(State &state, const State &other) { state = state && other; }
  static __device__ R result(const State &state, long, const Slot *) { return (R)state; }
};

template <class X, class R>
struct any_true {
  typedef bool State;
  static __device__ State start() { return false; }
  static __device__ void step(State &state, X value, long) { state = state || to<bool>(value); }
  static __device__ void join(State &state, const State &other) { state = state || other; }
  static __device__ R result(const State &state, long, const Slot *) { return (R)state; }
};

template <class X, class R>
struct xor_sum {
  typedef long State;
  static __device__ State start() { return 0; }
  /// The bits of a float are those of the same number as a double.
  static __device__ void step(State &state, X value, long) {
    if constexpr (is_real<X>::value) state ^= __double_as_longlong(to<double>(value));
    else state ^= to<long>(value);
  }
  static __device__ void join(State &state, const State &other) { state ^= other; }
  static __device__ R result(const State &state, long, const Slot *) { return (R)state; }
};

/// Norms by their power: the number of elements that are not zero, sums of powers, extremes.
template <class X, class R>
struct norm_zero : sum<X, R> {
  typedef math_t<R> State;
  static __device__ void step(State &state, X value, long) {
    if (value != (X)0) state += (State)1;
  }
};
template <class X, class R>
struct norm_one : sum<X, R> {
  typedef math_t<R> State;
  static __device__ void step(State &state, X value, long) { state += fabs(to<State>(value)); }
};
template <class X, class R>
struct norm_two : sum<X, R> {
  typedef math_t<R> State;
  static __device__ void step(State &state, X value, long) {
    state += to<State>(value) * to<State>(value);
  }
  static __device__ R result(const State &state, long, const Slot *) {
    return to<R>(sqrt(state));
  }
};
template <class X, class R>
struct norm_power : sum<X, R> {
  typedef math_t<R> State;
  static __device__ void step(State &state, X value, long, const Slot *slots) {
    state += pow(fabs(to<State>(value)), (State)slots[0].real);
  }
  static __device__ R result(const State &state, long, const Slot *slots) {
    return to<R>(pow(state, (State)1 / (State)slots[0].real));
  }
};
template <class X, class R>
struct norm_greatest : sum<X, R> {
  typedef math_t<R> State;
  static __device__ State start() { return 0; }
  static __device__ void step(State &state, X value, long) {
    join(state, fabs(to<State>(value)));
  }
  static __device__ void join(State &state, const State &other) {
    if (other > state || is_nan(other)) state = other;
  }
};
template <class X, class R>
struct norm_least : norm_greatest<X, R> {
  typedef math_t<R> State;
  static __device__ State start() { return infinity<State>(); }
  static __device__ void step(State &state, X value, long) {
    join(state, fabs(to<State>(value)));
  }
  static __device__ void join(State &state, const State &other) {
    if (other < state || is_nan(other)) state = other;
  }
};

/// A value and where it stands; not-a-number wins, then the earlier of equals.
template <class X>
struct Placed {
  X value;
  long place;
};

template <class X, class R, bool greatest_wins>
struct extreme {
  typedef Placed<math_t<X>> State;
  typedef math_t<X> V;
  static __device__ State start() { return {greatest_wins ? lowest<V>() : greatest<V>(), -1}; }
  static __device__ bool better(const State &a, const State &b) {
    if (b.place < 0) return true;
    if (a.place < 0) return false;
    if (is_nan(a.value) != is_nan(b.value)) return is_nan(a.value);
    if (is_nan(a.value) || a.value == b.value) return a.place < b.place;
    return greatest_wins ? a.value > b.value : a.value < b.value;
  }
  static __device__ void join(State &state, const State &other) {
    if (better(other, state)) state = other;
  }
  static __device__ void step(State &state, X value, long place) {
    join(state, State{to<V>(value), place});
  }
  static __device__ R result(const State &state, long, const Slot *) {
    return to<R>(state.value);
  }
};
template <class X, class R> struct max_values : extreme<X, R, true> {};
template <class X, class R> struct min_values : extreme<X, R, false> {};

template <class X, class R>
struct argmax : extreme<X, R, true> {
  static __device__ R result(const Placed<math_t<X>> &state, long, const Slot *) {
    return (R)state.place;
  }
};
template <class X, class R>
struct argmin : extreme<X, R, false> {
  static __device__ R result(const Placed<math_t<X>> &state, long, const Slot *) {
    return (R)state.place;
  }
};

/// Both the value and its place: two results.
template <class X, class R, bool greatest_wins>
struct with_place : extreme<X, R, greatest_wins> {
  static __device__ R result(const Placed<math_t<X>> &s, long n, const Slot *slots) {
    return to<R>(s.value);
  }
  static __device__ long second(const Placed<math_t<X>> &s, long, const Slot *) {
    return s.place;
  }
};
template <class X, class R> struct max_with_place : with_place<X, R, true> {};
template <class X, class R> struct min_with_place : with_place<X, R, false> {};

/// Mean and sum of squared deviations, joined pairwise (Chan, Golub, LeVeque 1979).
template <class V>
struct Moments {
  V mean, squares, count;
};

template <class X, class R>
struct std_var {
  typedef math_t<R> V;
  typedef Moments<V> State;
  static __device__ State start() { return {0, 0, 0}; }
  static __device__ void step(State &state, X value, long) {
    const V x = to<V>(value), delta = x - state.mean;
    state.count += 1;
    state.mean += delta / state.count;
    state.squares += delta * (x - state.mean);
  }
  static __device__ void join(State &state, const State &other) {
    if (other.count == 0) return;
    const V count = state.count + other.count, delta = other.mean - state.mean;
    state.squares += other.squares + delta * delta * (state.count * other.count / count);
    state.mean += delta * (other.count / count);
    state.count = count;
  }
  static __device__ R result(const State &state, long count, const Slot *slots) {
    const V free = (V)count - (V)slots[0].real;
    const V variance = state.squares / (free > 0 ? free : (V)0);
    return to<R>(slots[1].whole ? sqrt(variance) : variance);
  }
  static __device__ R second(const State &state, long, const Slot *) { return to<R>(state.mean); }
};

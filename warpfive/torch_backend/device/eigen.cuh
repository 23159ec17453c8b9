// Eigenvalues and eigenvectors of any square matrix, a warp a matrix. Sources: Golub and Van Loan,
// Matrix Computations, 4th ed.: Hessenberg form 7.4.3, single shifts 7.5.3 (by rotations), double
// shifts 7.5.5, eigenvectors 7.6.4. Real matrices keep to real numbers until their Schur form is
// known, so that eigenvalues that are conjugates stand side by side, the one above the axis first.

typedef complex<R> Z;

__device__ inline Z conjugated(const Z &a) { return {a.re, -a.im}; }
__device__ inline R conjugated(R a) { return a; }
__device__ inline R size_of(const Z &a) { return hypot(a.re, a.im); }
__device__ inline R size_of(R a) { return fabs(a); }
__device__ inline R square_of(const Z &a) { return a.re * a.re + a.im * a.im; }
__device__ inline R square_of(R a) { return a * a; }

__device__ inline R summed_all(R value) {
  for (int reach = 16; reach; reach /= 2)
    value += __shfl_xor_sync(0xffffffffu, value, reach);
  return value;
}

template <class E>
struct Square {
  E *at;
  long n;  // columns are contiguous
  __device__ E &operator()(long i, long j) const { return at[i + j * n]; }
};

/// a becomes upper Hessenberg, z the product of the reflections.
template <class E>
__device__ inline void hessenberg(const Square<E> &a, const Square<E> &z, E *v) {
  const long n = a.n;
  for (long j = lane(); j < n; j += 32)
    for (long i = 0; i < n; ++i) z(i, j) = E(i == j ? (R)1 : (R)0);
  __syncwarp();
  for (long k = 0; k + 2 < n; ++k) {
    R squares = 0;
    for (long i = k + 2 + lane(); i < n; i += 32) squares += square_of(a(i, k));
    squares = summed_all(squares);
    if (squares == 0) continue;
    const E head = a(k + 1, k);
    const R length = sqrt(square_of(head) + squares), part = size_of(head);
    const E turn = part == 0 ? E((R)1) : head / E(part);
    for (long i = k + 1 + lane(); i < n; i += 32)
      v[i] = i == k + 1 ? head + turn * E(length) : a(i, k);
    const E factor = E((R)2 / (squares + square_of(head + turn * E(length))));
    __syncwarp();
    for (long j = k + lane(); j < n; j += 32) {  // from the left
      E sum = E((R)0);
      for (long i = k + 1; i < n; ++i) sum += conjugated(v[i]) * a(i, j);
      sum = sum * factor;
      for (long i = k + 1; i < n; ++i) a(i, j) -= v[i] * sum;
    }
    __syncwarp();
    for (long i = lane(); i < n; i += 32) {  // from the right
      E sum = E((R)0), kept = E((R)0);
      for (long j = k + 1; j < n; ++j) {
        sum += a(i, j) * v[j];
        kept += z(i, j) * v[j];
      }
      sum = sum * factor;
      kept = kept * factor;
      for (long j = k + 1; j < n; ++j) {
        a(i, j) -= sum * conjugated(v[j]);
        z(i, j) -= kept * conjugated(v[j]);
      }
    }
    for (long i = k + 2 + lane(); i < n; i += 32) a(i, k) = E((R)0);
    __syncwarp();
  }
}

/// Where the block that ends in row `high` begins: its first subdiagonal is negligible, and made 0.
template <class E>
__device__ inline long block_start(const Square<E> &h, long high) {
  long low = high;
  for (; low > 0; --low) {
    const R around = size_of(h(low, low)) + size_of(h(low - 1, low - 1));
    if (size_of(h(low, low - 1)) <= TINY * around) break;
  }
  __syncwarp();
  if (low > 0 && lane() == 0) h(low, low - 1) = E((R)0);
  __syncwarp();
  return low;
}

constexpr int kMostSteps = 30;  // for an eigenvalue, times the matrix's order at most

/// A rotation of rows and columns p and p + 1: (c, s; -conj s, conj c) from the left.
template <class E>
__device__ inline void rotate(const Square<E> &h, const Square<E> &z, long p, const E &c,
                              const E &s, long from, long until) {
  const long n = h.n;
  for (long j = from + lane(); j < n; j += 32) {
    const E x = h(p, j), y = h(p + 1, j);
    h(p, j) = c * x + s * y;
    h(p + 1, j) = conjugated(c) * y - conjugated(s) * x;
  }
  __syncwarp();
  for (long i = lane(); i < n; i += 32) {
    if (i < until) {
      const E x = h(i, p), y = h(i, p + 1);
      h(i, p) = x * conjugated(c) + y * conjugated(s);
      h(i, p + 1) = y * c - x * s;
    }
    const E x = z(i, p), y = z(i, p + 1);
    z(i, p) = x * conjugated(c) + y * conjugated(s);
    z(i, p + 1) = y * c - x * s;
  }
  __syncwarp();
}

/// The complex Hessenberg matrix h becomes triangular. Nonzero: an eigenvalue was not found.
__device__ inline int schur(const Square<Z> &h, const Square<Z> &z) {
  const long n = h.n;
  int steps = 0;
  for (long high = n - 1; high > 0;) {
    const long low = block_start(h, high);
    if (low == high) {
      --high;
      steps = 0;
      continue;
    }
    if (++steps > kMostSteps * 10) return (int)high + 1;
    const Z a = h(high - 1, high - 1), b = h(high - 1, high), c = h(high, high - 1);
    const Z d = h(high, high), half = (a - d) * Z((R)0.5), root = sqrt(half * half + b * c);
    // The eigenvalue of the last two rows that is nearer to the corner.
    const Z plus = half + root, minus = half - root;
    Z shift = d + (square_of(plus) < square_of(minus) ? plus : minus);
    if (steps % 10 == 0) shift = d + Z((R)0.75 * size_of(c));
    Z x = h(low, low) - shift, y = h(low + 1, low);
    for (long k = low; k < high; ++k) {
      const R length = sqrt(square_of(x) + square_of(y));
      if (length > 0) {
        const Z turn = conjugated(x) * Z(1 / length), other = conjugated(y) * Z(1 / length);
        rotate(h, z, k, turn, other, k > low ? k - 1 : low, k + 3 < high + 1 ? k + 3 : high + 1);
      }
      if (k + 1 < high) {
        x = h(k + 1, k);
        y = h(k + 2, k);
      }
    }
  }
  return 0;
}

/// A reflection of `count` (two or three) rows and columns from k on, from the vector p, q, r.
__device__ inline void reflect_rows(const Square<R> &h, const Square<R> &z, long k, int count, R p,
                                    R q, R r, long from, long until) {
  const R length = sqrt(p * p + q * q + r * r);
  if (length == 0) return;
  const R head = p < 0 ? p - length : p + length;
  const R factor = 2 / (head * head + q * q + r * r), v[3] = {head, q, r};
  const long n = h.n;
  for (long j = from + lane(); j < n; j += 32) {
    R sum = 0;
    for (int i = 0; i < count; ++i) sum += v[i] * h(k + i, j);
    sum *= factor;
    for (int i = 0; i < count; ++i) h(k + i, j) -= v[i] * sum;
  }
  __syncwarp();
  for (long i = lane(); i < n; i += 32) {
    R sum = 0, kept = 0;
    for (int j = 0; j < count; ++j) {
      sum += h(i, k + j) * v[j];
      kept += z(i, k + j) * v[j];
    }
    sum = i < until ? sum * factor : 0;
    kept *= factor;
    for (int j = 0; j < count; ++j) {
      h(i, k + j) -= sum * v[j];
      z(i, k + j) -= kept * v[j];
    }
  }
  __syncwarp();
}

/// Rows p and p + 1, a block of their own, become triangular if their eigenvalues are real.
__device__ inline void split_pair(const Square<R> &h, const Square<R> &z, long p) {
  const R a = h(p, p), b = h(p, p + 1), c = h(p + 1, p), d = h(p + 1, p + 1);
  const R half = (a - d) / 2, inside = half * half + b * c;
  if (c == 0 || inside < 0) return;
  const R root = sqrt(inside), far = half < 0 ? half - root : half + root;
  const R length = hypot(far, c);
  __syncwarp();
  rotate(h, z, p, far / length, c / length, p, p + 2);
  if (lane() == 0) h(p + 1, p) = 0;
  __syncwarp();
}

/// The real Hessenberg matrix h becomes triangular but for pairs of rows with eigenvalues that are
/// conjugates. Nonzero: an eigenvalue was not found.
__device__ inline int schur(const Square<R> &h, const Square<R> &z) {
  const long n = h.n;
  int steps = 0;
  for (long high = n - 1; high > 0;) {
    const long low = block_start(h, high);
    if (high - low < 2) {
      if (low < high) split_pair(h, z, low);
      high = low - 1;
      steps = 0;
      continue;
    }
    if (++steps > kMostSteps * 10) return (int)high + 1;
    // Sum and product of both shifts: the eigenvalues of the last two rows.
    R sum = h(high - 1, high - 1) + h(high, high);
    R product = h(high - 1, high - 1) * h(high, high) - h(high - 1, high) * h(high, high - 1);
    const R inside = sum * sum / 4 - product;
    if (inside >= 0) {  // real: the one nearer to the corner, twice
      const R root = sqrt(inside), corner = h(high, high) - sum / 2;
      const R near = sum / 2 + (corner < 0 ? -root : root);
      sum = 2 * near;
      product = near * near;
    }
    if (steps % 10 == 0) {
      const R away = fabs(h(high, high - 1)) + fabs(h(high - 1, high - 2));
      const R about = h(high, high) + (R)0.75 * away;
      sum = 2 * about;
      product = about * about + (R)0.4375 * away * away;
    }
    R p = h(low, low) * h(low, low) + h(low, low + 1) * h(low + 1, low) - sum * h(low, low) +
          product;
    R q = h(low + 1, low) * (h(low, low) + h(low + 1, low + 1) - sum);
    R r = h(low + 1, low) * h(low + 2, low + 1);
    for (long k = low; k < high; ++k) {
      const int count = k + 2 <= high ? 3 : 2;
      const long until = k + 4 < high + 1 ? k + 4 : high + 1;
      reflect_rows(h, z, k, count, p, q, r, k > low ? k - 1 : low, until);
      if (k > low && lane() == 0) {
        h(k + 1, k - 1) = 0;
        if (count == 3) h(k + 2, k - 1) = 0;
      }
      __syncwarp();
      if (k < high - 1) {
        p = h(k + 1, k);
        q = h(k + 2, k);
        r = k + 3 <= high ? h(k + 3, k) : 0;
      }
    }
  }
  return 0;
}

/// The real Schur form as a complex, triangular one: pairs of rows become two.
__device__ inline void as_complex(const Square<R> &h, const Square<R> &z, const Square<Z> &t,
                                  const Square<Z> &u) {
  const long n = h.n;
  for (long i = lane(); i < n * n; i += 32) {
    t.at[i] = Z(i % n > i / n + 1 ? (R)0 : h.at[i]);
    u.at[i] = Z(z.at[i]);
  }
  __syncwarp();
  for (long p = 0; p + 1 < n; ++p) {
    const R low = h(p + 1, p);
    if (low == 0) continue;
    const R half = (h(p, p) - h(p + 1, p + 1)) / 2, inside = half * half + h(p, p + 1) * low;
    const R above = sqrt(inside < 0 ? -inside : (R)0);
    const R length = sqrt(half * half + above * above + low * low);
    // The eigenvector of the value above the axis is (half + i above, low).
    rotate(t, u, p, Z(half / length, -above / length), Z(low / length), p, p + 2);
    if (lane() == 0) t(p + 1, p) = Z((R)0);
    __syncwarp();
  }
}
__device__ inline void as_complex(const Square<Z> &h, const Square<Z> &z, const Square<Z> &t,
                                  const Square<Z> &u) {
  for (long i = lane(); i < h.n * h.n; i += 32) {
    t.at[i] = i % h.n > i / h.n ? Z((R)0) : h.at[i];
    u.at[i] = z.at[i];
  }
  __syncwarp();
}

/// Eigenvectors of u t u^H into `out`, one a lane; their coefficients in t's basis into x. Their
/// length is 1 and their greatest component real.
__device__ inline void eigenvectors(const Square<Z> &t, const Square<Z> &u, const Square<Z> &x,
                                    const Square<Z> &out) {
  const long n = t.n;
  R most = 0;
  for (long i = 0; i < n * n; ++i) most = fmax(most, square_of(t.at[i]));
  const R least = fmax(TINY * sqrt(most), (R)1e-290);
  for (long c = lane(); c < n; c += 32) {
    const Z value = t(c, c);
    x(c, c) = Z((R)1);
    for (long i = c - 1; i >= 0; --i) {
      Z sum = Z((R)0), gap = value - t(i, i);
      for (long j = i + 1; j <= c; ++j) sum += t(i, j) * x(j, c);
      if (size_of(gap) < least) gap = Z(least);
      x(i, c) = sum / gap;
      const R size = size_of(x(i, c));
      if (size > (R)1e100)
        for (long j = i; j <= c; ++j) x(j, c) = x(j, c) * Z(1 / size);
    }
    R squares = 0, greatest = 0;
    Z head = Z((R)1);
    for (long i = 0; i < n; ++i) {
      Z sum = Z((R)0);
      for (long j = 0; j <= c; ++j) sum += u(i, j) * x(j, c);
      out(i, c) = sum;
      const R square = square_of(sum);
      squares += square;
      if (square > greatest) greatest = square, head = sum;
    }
    const Z scale = conjugated(head) * Z(1 / (size_of(head) * sqrt(squares)));
    for (long i = 0; i < n; ++i) out(i, c) = out(i, c) * scale;
  }
}

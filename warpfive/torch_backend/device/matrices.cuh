// Dense factorisations, a warp a matrix. Sources: Golub and Van Loan, Matrix Computations, 4th ed.:
// LU 3.4, Cholesky 4.2, pivoted LDL 4.4.4 (Bunch and Kaufman), Householder QR 5.2, Jacobi eigenvalues
// 8.5, one-sided Jacobi 8.6.

struct Matrix {
  X *at;
  long rows, columns, row, column;  // sizes and strides in elements
  __device__ X &operator()(long i, long j) const { return at[i * row + j * column]; }
};

__device__ inline int lane() { return threadIdx.x % 32; }

__device__ inline X summed(X value) {
  for (int reach = 16; reach; reach /= 2)
    value += __shfl_xor_sync(0xffffffffu, value, reach);
  return value;
}

/// LU with row exchanges where `pivot`; pivots count from 1, as LAPACK's do.
__device__ inline int lu(const Matrix &a, int *pivots, bool pivot) {
  const long steps = a.rows < a.columns ? a.rows : a.columns;
  int info = 0;
  for (long k = 0; k < steps; ++k) {
    X most = -1;
    long where = k;
    for (long i = k + lane(); pivot && i < a.rows; i += 32)
      if (fabs(a(i, k)) > most) { most = fabs(a(i, k)); where = i; }
    for (int reach = 16; pivot && reach; reach /= 2) {
      const X other = __shfl_xor_sync(0xffffffffu, most, reach);
      const long place = __shfl_xor_sync(0xffffffffu, where, reach);
      if (other > most || (other == most && place < where)) { most = other; where = place; }
    }
    if (pivots && lane() == 0) pivots[k] = (int)where + 1;
    if (where != k)
      for (long j = lane(); j < a.columns; j += 32) {
        const X kept = a(k, j);
        a(k, j) = a(where, j);
        a(where, j) = kept;
      }
    __syncwarp();
    const X head = a(k, k);
    if (head == 0) { info = info ? info : (int)k + 1; continue; }
    for (long i = k + 1 + lane(); i < a.rows; i += 32) a(i, k) /= head;
    __syncwarp();
    for (long j = k + 1; j < a.columns; ++j) {
      const X top = a(k, j);
      for (long i = k + 1 + lane(); i < a.rows; i += 32) a(i, j) -= a(i, k) * top;
    }
    __syncwarp();
  }
  return info;
}

/// The lower factor of a symmetric positive definite matrix, in its lower triangle.
__device__ inline int cholesky(const Matrix &a) {
  for (long k = 0; k < a.rows; ++k) {
    const X head = a(k, k);
    if (!(head > 0)) return (int)k + 1;
    __syncwarp();
    const X root = sqrt(head);
    for (long i = k + lane(); i < a.rows; i += 32) a(i, k) = i == k ? root : a(i, k) / root;
    __syncwarp();
    for (long j = k + 1; j < a.rows; ++j)
      for (long i = j + lane(); i < a.rows; i += 32) a(i, j) -= a(i, k) * a(j, k);
    __syncwarp();
  }
  return 0;
}

struct Greatest {
  X size;
  long place;
};

/// The greatest of the lanes' sizes; of equal ones, that of the least place.
__device__ inline Greatest greatest_of(X size, long place) {
  for (int reach = 16; reach; reach /= 2) {
    const X other = __shfl_xor_sync(0xffffffffu, size, reach);
    const long there = __shfl_xor_sync(0xffffffffu, place, reach);
    if (other > size || (other == size && there < place)) { size = other; place = there; }
  }
  return {size, place};
}

__device__ inline void swap(X &a, X &b) {
  const X kept = a;
  a = b;
  b = kept;
}

/// Exchanges rows and columns p < q of the symmetric matrix whose lower triangle is right of p.
__device__ inline void exchange_both(const Matrix &a, long p, long q) {
  for (long i = p + lane(); i < a.rows; i += 32) {
    if (i == p) swap(a(p, p), a(q, q));
    else if (i < q) swap(a(i, p), a(q, i));
    else if (i > q) swap(a(i, p), a(i, q));
  }
  __syncwarp();
}

/// L D L^T of the symmetric a in its lower triangle, as LAPACK's sytrf leaves it: blocks of one or
/// two rows on the diagonal, pivots counted from 1 and negative for blocks of two.
__device__ inline int ldl(const Matrix &a, int *pivots) {
  const X share = (X)0.6403882032022076;  // (1 + sqrt(17)) / 8
  const long n = a.rows;
  int info = 0;
  for (long k = 0; k < n;) {
    const X head = fabs(a(k, k));
    Greatest below{-1, n};
    for (long i = k + 1 + lane(); i < n; i += 32)
      if (fabs(a(i, k)) > below.size) below = {fabs(a(i, k)), i};
    below = greatest_of(below.size, below.place);
    const long far = below.place;
    long with = k;
    int step = 1;
    if (!(fmax(head, below.size) > 0)) {
      info = info ? info : (int)k + 1;
    } else if (head < share * below.size) {
      X row = 0;
      for (long j = k + lane(); j < n; j += 32)
        if (j != far) row = fmax(row, fabs(j < far ? a(far, j) : a(j, far)));
      row = greatest_of(row, 0).size;
      if (head < share * below.size * (below.size / row)) {
        with = far;
        step = fabs(a(far, far)) >= share * row ? 1 : 2;
      }
    }
    __syncwarp();
    const long moved = k + step - 1;
    if (with != moved) {
      exchange_both(a, moved, with);
      if (step == 2 && lane() == 0) swap(a(moved, k), a(with, k));
      __syncwarp();
    }
    if (lane() == 0) {
      pivots[k] = step == 1 ? (int)with + 1 : -(int)with - 1;
      if (step == 2) pivots[k + 1] = pivots[k];
    }
    if (step == 1 && a(k, k) != 0) {
      const X part = 1 / a(k, k);
      for (long j = k + 1; j < n; ++j)
        for (long i = j + lane(); i < n; i += 32) a(i, j) -= a(i, k) * part * a(j, k);
      __syncwarp();
      for (long i = k + 1 + lane(); i < n; i += 32) a(i, k) *= part;
    } else if (step == 2) {
      const X side = a(k + 1, k), low = a(k + 1, k + 1) / side, high = a(k, k) / side;
      const X part = 1 / (low * high - 1) / side;
      for (long j = k + 2; j < n; ++j) {
        const X x = part * (low * a(j, k) - a(j, k + 1)), y = part * (high * a(j, k + 1) - a(j, k));
        for (long i = j + lane(); i < n; i += 32) a(i, j) -= a(i, k) * x + a(i, k + 1) * y;
        __syncwarp();
        // Rows below have their old elements still; this one is no longer needed.
        if (lane() == 0) { a(j, k) = x; a(j, k + 1) = y; }
        __syncwarp();
      }
    }
    __syncwarp();
    k += step;
  }
  return info;
}

/// Solves L D L^T x = b in place of b for one column a lane.
__device__ inline void solve_ldl(const Matrix &a, const int *pivots, const Matrix &b) {
  const long n = a.rows;
  for (long c = lane(); c < b.columns; c += 32) {
    for (long k = 0; k < n;) {
      const bool pair = pivots[k] < 0;
      const long with = (pair ? -pivots[k] : pivots[k]) - 1;
      swap(b(k + pair, c), b(with, c));
      const X x = b(k, c), y = pair ? b(k + 1, c) : 0;
      for (long i = k + 1 + pair; i < n; ++i)
        b(i, c) -= a(i, k) * x + (pair ? a(i, k + 1) * y : 0);
      if (pair) {
        const X side = a(k + 1, k), high = a(k, k) / side, low = a(k + 1, k + 1) / side;
        const X part = high * low - 1;
        b(k, c) = (low * (x / side) - y / side) / part;
        b(k + 1, c) = (high * (y / side) - x / side) / part;
      } else {
        b(k, c) = x / a(k, k);
      }
      k += 1 + pair;
    }
    for (long k = n - 1; k >= 0;) {
      const bool pair = pivots[k] < 0;
      const long with = (pair ? -pivots[k] : pivots[k]) - 1;
      for (long row = k - pair; row <= k; ++row) {
        X sum = b(row, c);
        for (long i = k + 1; i < n; ++i) sum -= a(i, row) * b(i, c);
        b(row, c) = sum;
      }
      swap(b(k, c), b(with, c));
      k -= 1 + pair;
    }
  }
}

/// Solves a x = b in place of b for one column a lane.
__device__ inline void triangle(const Matrix &a, const Matrix &b, bool upper, bool unit) {
  for (long c = blockIdx.y * 32 + lane(); c < b.columns; c += gridDim.y * 32)
    for (long s = 0; s < a.rows; ++s) {
      const long i = upper ? a.rows - 1 - s : s;
      X sum = b(i, c);
      for (long j = upper ? i + 1 : 0; j < (upper ? a.rows : i); ++j) sum -= a(i, j) * b(j, c);
      b(i, c) = unit ? sum : sum / a(i, i);
    }
}

/// Applies LAPACK's row exchanges in order, or backwards.
__device__ inline void exchange(const Matrix &b, const int *pivots, long count, bool backwards) {
  for (long c = lane(); c < b.columns; c += 32)
    for (long s = 0; s < count; ++s) {
      const long k = backwards ? count - 1 - s : s, other = pivots[k] - 1;
      const X kept = b(k, c);
      b(k, c) = b(other, c);
      b(other, c) = kept;
    }
}

/// Householder's vectors below the diagonal, R on and above it, and their factors.
__device__ inline void reflectors(const Matrix &a, X *tau) {
  const long steps = a.rows < a.columns ? a.rows : a.columns;
  for (long k = 0; k < steps; ++k) {
    X squares = 0;
    for (long i = k + 1 + lane(); i < a.rows; i += 32) squares += a(i, k) * a(i, k);
    squares = summed(squares);
    const X head = a(k, k);
    __syncwarp();
    if (squares == 0) {
      if (lane() == 0) tau[k] = 0;
      continue;
    }
    const X length = sqrt(head * head + squares), corner = head < 0 ? length : -length;
    const X factor = (corner - head) / corner;
    for (long i = k + 1 + lane(); i < a.rows; i += 32) a(i, k) /= head - corner;
    if (lane() == 0) { a(k, k) = corner; tau[k] = factor; }
    __syncwarp();
    for (long j = k + 1 + lane(); j < a.columns; j += 32) {
      X sum = a(k, j);
      for (long i = k + 1; i < a.rows; ++i) sum += a(i, k) * a(i, j);
      sum *= factor;
      a(k, j) -= sum;
      for (long i = k + 1; i < a.rows; ++i) a(i, j) -= a(i, k) * sum;
    }
    __syncwarp();
  }
}

/// Applies `count` reflectors of v to c, the last one first unless `forwards`.
__device__ inline void reflect(const Matrix &v, const X *tau, long count, const Matrix &c,
                               bool forwards) {
  for (long j = blockIdx.y * 32 + lane(); j < c.columns; j += gridDim.y * 32)
    for (long s = 0; s < count; ++s) {
      const long k = forwards ? s : count - 1 - s;
      X sum = c(k, j);
      for (long i = k + 1; i < c.rows; ++i) sum += v(i, k) * c(i, j);
      sum *= tau[k];
      c(k, j) -= sum;
      for (long i = k + 1; i < c.rows; ++i) c(i, j) -= v(i, k) * sum;
    }
}

/// Cosine and sine that turn (p, q) with the off-diagonal r to a diagonal.
__device__ inline void rotation(X p, X q, X r, X &c, X &s) {
  const X theta = (q - p) / (2 * r);
  const X t = (theta < 0 ? (X)-1 : (X)1) / (fabs(theta) + sqrt(1 + theta * theta));
  c = 1 / sqrt(1 + t * t);
  s = t * c;
}

/// Eigenvalues on the diagonal of the symmetric a; v becomes the product of the rotations.
__device__ inline void jacobi(const Matrix &a, const Matrix &v, X tiny) {
  const long n = a.rows;
  for (int sweep = 0; sweep < 40; ++sweep) {
    bool turned = false;
    for (long p = 0; p < n; ++p)
      for (long q = p + 1; q < n; ++q) {
        const X r = a(p, q), pp = a(p, p), qq = a(q, q);
        __syncwarp();
        if (!(fabs(r) > tiny * sqrt(fabs(pp)) * sqrt(fabs(qq)) && fabs(r) > (X)1e-37)) continue;
        turned = true;
        X c, s;
        rotation(pp, qq, r, c, s);
        for (long i = lane(); i < n; i += 32) {
          const X x = a(i, p), y = a(i, q);
          a(i, p) = c * x - s * y;
          a(i, q) = s * x + c * y;
        }
        __syncwarp();
        for (long i = lane(); i < n; i += 32) {
          const X x = a(p, i), y = a(q, i);
          a(p, i) = c * x - s * y;
          a(q, i) = s * x + c * y;
          const X e = v(i, p), f = v(i, q);
          v(i, p) = c * e - s * f;
          v(i, q) = s * e + c * f;
        }
        __syncwarp();
      }
    if (!turned) return;
  }
}

/// Turns the columns of a until they are orthogonal; v becomes the product of the rotations.
__device__ inline void orthogonal(const Matrix &a, const Matrix &v, X tiny) {
  for (int sweep = 0; sweep < 60; ++sweep) {
    bool turned = false;
    for (long p = 0; p < a.columns; ++p)
      for (long q = p + 1; q < a.columns; ++q) {
        X pp = 0, qq = 0, r = 0;
        for (long i = lane(); i < a.rows; i += 32) {
          pp += a(i, p) * a(i, p);
          qq += a(i, q) * a(i, q);
          r += a(i, p) * a(i, q);
        }
        pp = summed(pp);
        qq = summed(qq);
        r = summed(r);
        if (!(fabs(r) > tiny * sqrt(pp) * sqrt(qq) && fabs(r) > (X)1e-37)) continue;
        turned = true;
        X c, s;
        rotation(pp, qq, r, c, s);
        for (long i = lane(); i < a.rows; i += 32) {
          const X x = a(i, p), y = a(i, q);
          a(i, p) = c * x - s * y;
          a(i, q) = s * x + c * y;
        }
        for (long i = lane(); i < v.rows; i += 32) {
          const X x = v(i, p), y = v(i, q);
          v(i, p) = c * x - s * y;
          v(i, q) = s * x + c * y;
        }
        __syncwarp();
      }
    if (!turned) return;
  }
}

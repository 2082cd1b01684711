# The C tables (src_c/*.h) as Cython sees them: mg_<family>[runtime.variant].<kernel>_f32(...).
from libc.stdint cimport int64_t

cdef extern from "penalty.h" nogil:
    ctypedef struct mg_penalty_table:
        void elastic_net_grad_f32(size_t n, const float *w, double l1, double l2, double scale, float *out) noexcept nogil
        void elastic_net_grad_f64(size_t n, const double *w, double l1, double l2, double scale, double *out) noexcept nogil
    const mg_penalty_table *const *mg_penalty

cdef extern from "matmul.h" nogil:
    enum: MG_ACT_NONE, MG_ACT_RELU, MG_ACT_TANH, MG_ACT_SIGMOID
    ctypedef struct mg_matmul_args:
        size_t m, n, k
        const void *a
        const void *b
        const void *bias
        void *c
        Py_ssize_t a_row, a_col, b_row, b_col, c_row
        int activation, accumulate
    ctypedef struct mg_matmul_table:
        size_t matmul_scratch_f32(const mg_matmul_args *p) noexcept nogil
        size_t matmul_scratch_f64(const mg_matmul_args *p) noexcept nogil
        void matmul_f32(const mg_matmul_args *p, void *scratch) noexcept nogil
        void matmul_f64(const mg_matmul_args *p, void *scratch) noexcept nogil
        void matvec_f32(const mg_matmul_args *p) noexcept nogil
        void matvec_f64(const mg_matmul_args *p) noexcept nogil
    const mg_matmul_table *const *mg_matmul
cdef extern from "reduce.h" nogil:
    ctypedef struct mg_reduce_table:
        double sum_flat_f32(size_t n, const float *x) noexcept nogil
        double sum_flat_f64(size_t n, const double *x) noexcept nogil
        void sum_rows_f32(size_t rows, size_t n, const float *x, double divisor, float *out) noexcept nogil
        void sum_rows_f64(size_t rows, size_t n, const double *x, double divisor, double *out) noexcept nogil
        void sum_columns_f32(size_t m, size_t stride, size_t columns, const float *x, double divisor, float *out) noexcept nogil
        void sum_columns_f64(size_t m, size_t stride, size_t columns, const double *x, double divisor, double *out) noexcept nogil
        void max_rows_f32(size_t rows, size_t n, const float *x, float *out, int64_t *index) noexcept nogil
        void max_rows_f64(size_t rows, size_t n, const double *x, double *out, int64_t *index) noexcept nogil
        void max_columns_f32(size_t m, size_t stride, size_t columns, const float *x, float *out, int64_t *index) noexcept nogil
        void max_columns_f64(size_t m, size_t stride, size_t columns, const double *x, double *out, int64_t *index) noexcept nogil
        void max_grad_f32(size_t outer, size_t n, size_t inner, const float *g, const int64_t *index, float *out) noexcept nogil
        void max_grad_f64(size_t outer, size_t n, size_t inner, const double *g, const int64_t *index, double *out) noexcept nogil
    const mg_reduce_table *const *mg_reduce

cdef extern from "peaks.h" nogil:
    ctypedef struct mg_peaks_table:
        double peak_fma_f32(size_t rounds, float *sink) noexcept nogil
        double peak_fma_f64(size_t rounds, double *sink) noexcept nogil
        void peak_copy_f32(size_t n, const float *x, float *out) noexcept nogil
        void peak_copy_f64(size_t n, const double *x, double *out) noexcept nogil
    const mg_peaks_table *const *mg_peaks

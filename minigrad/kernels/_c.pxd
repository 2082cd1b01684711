# The C tables (src_c/*.h) as Cython sees them: mg_<family>[runtime.variant].<kernel>_f32(...).
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

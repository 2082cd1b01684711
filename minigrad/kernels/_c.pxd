# The C tables (src_c/*.h) as Cython sees them: mg_<family>[runtime.variant].<kernel>_f32(...).
cdef extern from "penalty.h" nogil:
    ctypedef struct mg_penalty_table:
        void elastic_net_grad_f32(size_t n, const float *w, double l1, double l2, double scale, float *out) noexcept nogil
        void elastic_net_grad_f64(size_t n, const double *w, double l1, double l2, double scale, double *out) noexcept nogil
    const mg_penalty_table *const *mg_penalty

# The C tables (src_c/*.h) as Cython sees them: mg_<family>[runtime.variant].<kernel>_f32(...).
cdef extern from "penalty.h" nogil:
    ctypedef struct mg_penalty_table:
        void elastic_net_f32(size_t n, const float *w, double l1, double l2, float *grad, double *sums) noexcept nogil
        void elastic_net_f64(size_t n, const double *w, double l1, double l2, double *grad, double *sums) noexcept nogil
        void elastic_net_grad_f32(size_t n, const float *w, double l1, double l2, double scale, float *out) noexcept nogil
        void elastic_net_grad_f64(size_t n, const double *w, double l1, double l2, double scale, double *out) noexcept nogil
        void soft_threshold_f32(size_t n, const float *v, double step, double l1, double l2, float *out) noexcept nogil
        void soft_threshold_f64(size_t n, const double *v, double step, double l1, double l2, double *out) noexcept nogil
    const mg_penalty_table *const *mg_penalty

cdef extern from "update.h" nogil:
    enum: MG_COLUMNS
    ctypedef struct mg_update_settings:
        double momentum
        int nesterov
        double beta1, beta2, eps
    ctypedef void (*mg_update_f32)(
        size_t n, float *w, const float *g, float **state, const double *row, const mg_update_settings *s, double *sums
    ) noexcept nogil
    ctypedef void (*mg_update_f64)(
        size_t n, double *w, const double *g, double **state, const double *row, const mg_update_settings *s, double *sums
    ) noexcept nogil
    ctypedef struct mg_update_table:
        void sums_f32(size_t n, const float *w, const double *row, double *sums) noexcept nogil
        void sums_f64(size_t n, const double *w, const double *row, double *sums) noexcept nogil
        mg_update_f32 sgd_f32, adam_f32
        mg_update_f64 sgd_f64, adam_f64
    const mg_update_table *const *mg_update

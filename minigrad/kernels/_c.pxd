# The C tables (src_c/*.h) as Cython sees them: mg_<family>[runtime.variant].<kernel>_f32(...).
from libc.stdint cimport int64_t

cdef extern from "penalty.h" nogil:
    ctypedef struct mg_penalty_table:
        void elastic_net_grad_f32(size_t n, const float *w, double l1, double l2, double scale, float *out) noexcept nogil
        void elastic_net_grad_f64(size_t n, const double *w, double l1, double l2, double scale, double *out) noexcept nogil
    const mg_penalty_table *const *mg_penalty

cdef extern from "reduce.h" nogil:
    ctypedef struct mg_reduce_table:
        double sum_flat_f32(size_t n, const float *x) noexcept nogil
        double sum_flat_f64(size_t n, const double *x) noexcept nogil
        void sum_rows_f32(size_t rows, size_t n, const float *x, double divisor, float *out) noexcept nogil
        void sum_rows_f64(size_t rows, size_t n, const double *x, double divisor, double *out) noexcept nogil
        void sum_columns_f32(size_t m, size_t stride, size_t columns, const float *x, double divisor,
            float *out) noexcept nogil
        void sum_columns_f64(size_t m, size_t stride, size_t columns, const double *x, double divisor,
            double *out) noexcept nogil
        void max_rows_f32(size_t rows, size_t n, const float *x, float *out, int64_t *index) noexcept nogil
        void max_rows_f64(size_t rows, size_t n, const double *x, double *out, int64_t *index) noexcept nogil
        void max_columns_f32(size_t m, size_t stride, size_t columns, const float *x, float *out,
            int64_t *index) noexcept nogil
        void max_columns_f64(size_t m, size_t stride, size_t columns, const double *x, double *out,
            int64_t *index) noexcept nogil
        void max_grad_f32(size_t outer, size_t n, size_t inner, const float *g, const int64_t *index,
            float *out) noexcept nogil
        void max_grad_f64(size_t outer, size_t n, size_t inner, const double *g, const int64_t *index,
            double *out) noexcept nogil
    const mg_reduce_table *const *mg_reduce

cdef extern from "softmax.h" nogil:
    ctypedef struct mg_softmax_table:
        void softmax_f32(size_t rows, size_t n, const float *x, float *out) noexcept nogil
        void softmax_f64(size_t rows, size_t n, const double *x, double *out) noexcept nogil
        void softmax_grad_f32(size_t rows, size_t n, const float *g, const float *y, float *out) noexcept nogil
        void softmax_grad_f64(size_t rows, size_t n, const double *g, const double *y, double *out) noexcept nogil
        void log_softmax_f32(size_t rows, size_t n, const float *x, float *out) noexcept nogil
        void log_softmax_f64(size_t rows, size_t n, const double *x, double *out) noexcept nogil
        void log_softmax_grad_f32(size_t rows, size_t n, const float *g, const float *y, float *out) noexcept nogil
        void log_softmax_grad_f64(size_t rows, size_t n, const double *g, const double *y, double *out) noexcept nogil
        double sum_flat_f32(size_t n, const float *losses) noexcept nogil
        double sum_flat_f64(size_t n, const double *losses) noexcept nogil
        void cross_entropy_f32(size_t rows, size_t n, const float *x, const int64_t *label, const float *t,
            float *loss, float *probs) noexcept nogil
        void cross_entropy_f64(size_t rows, size_t n, const double *x, const int64_t *label, const double *t,
            double *loss, double *probs) noexcept nogil
        void cross_entropy_grad_f32(size_t rows, size_t n, const float *probs, const int64_t *label, const float *t,
            const float *g, size_t step, double divisor, float *out) noexcept nogil
        void cross_entropy_grad_f64(size_t rows, size_t n, const double *probs, const int64_t *label, const double *t,
            const double *g, size_t step, double divisor, double *out) noexcept nogil
    const mg_softmax_table *const *mg_softmax

cdef extern from "losses.h" nogil:
    ctypedef struct mg_losses_table:
        double bce_with_logits_f32(size_t n, const float *x, const float *t, float *loss) noexcept nogil
        double bce_with_logits_f64(size_t n, const double *x, const double *t, double *loss) noexcept nogil
        double mse_f32(size_t n, const float *x, const float *t, float *loss) noexcept nogil
        double mse_f64(size_t n, const double *x, const double *t, double *loss) noexcept nogil
        void bce_with_logits_grad_f32(size_t n, const float *x, const float *t, const float *g, size_t step,
            double divisor, float *out) noexcept nogil
        void bce_with_logits_grad_f64(size_t n, const double *x, const double *t, const double *g, size_t step,
            double divisor, double *out) noexcept nogil
        void mse_grad_f32(size_t n, const float *x, const float *t, const float *g, size_t step, double divisor,
            float *out) noexcept nogil
        void mse_grad_f64(size_t n, const double *x, const double *t, const double *g, size_t step, double divisor,
            double *out) noexcept nogil
    const mg_losses_table *const *mg_losses

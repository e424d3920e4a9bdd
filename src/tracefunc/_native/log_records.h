/* What the records of calls need besides values: bytes as they are, and the clock. Behind `log_buffer.h`. */

/* Append bytes as they are. */
static inline int tracefunc_put_raw(tracefunc_buffer *out, const unsigned char *data, size_t size) {
    if (size == 0)  /* there may be no memory at all yet */
        return 0;
    unsigned char *to = tracefunc_reserve(out, size);
    if (to == NULL)
        return -1;
    memcpy(to, data, size);
    tracefunc_commit(out, to + size);
    return 0;
}
/* Nanoseconds, by the clock of `time.perf_counter`. */
static inline long long tracefunc_nanoseconds(void) {
#if TRACEFUNC_HAS_PERF_COUNTER
    PyTime_t now = 0;
    (void)PyTime_PerfCounterRaw(&now);
    return now;
#else
    return _PyTime_GetPerfCounter();
#endif
}

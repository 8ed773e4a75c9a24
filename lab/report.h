/* What a run of the bench was like: for people on stderr, for programs as JSON. */
#ifndef LAB_REPORT_H
#define LAB_REPORT_H

#include "bench.h"

/* EXIT_DONE, or the status after a complaint. */
int report_write(bench_t *bench);

#endif

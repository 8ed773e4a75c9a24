/* What the files of the manual share. Private to them. */
#ifndef HOST_MANUAL_PARTS_H
#define HOST_MANUAL_PARTS_H

#include "manual.h"

enum { NAME_BYTES = 32, LINE_BYTES = 256, INDENT = 4 };

/* Adds `before` and `text` to what is in `out`, as far as there is room. */
void manual_append(char *out, size_t size, const char *before, const char *text);
/* The dialects whose bit is set, as text: "all dialects" or their names. */
void manual_name_dialects(unsigned bits, char *out, size_t size);
/* A bit for each dialect that has this form of the command. */
unsigned manual_dialects_with(size_t index, unsigned form);
/* The set form: what it takes, in each dialect. */
void manual_print_arguments(FILE *out, size_t index);

#endif

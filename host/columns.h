/* Text in columns for a person's terminal. */
#ifndef HOST_COLUMNS_H
#define HOST_COLUMNS_H

#include <stdio.h>

enum { COLUMNS_WIDTH = 100 };

/* Words with blanks between, the first at `column`; a line ends at COLUMNS_WIDTH, the next is indented by `indent`. */
void columns_wrap(FILE *out, const char *text, int column, int indent);
/* A row: `label` behind `indent` blanks, `width` wide or wider; behind it and a blank `text`, which stays in its column. */
void columns_row(FILE *out, int indent, int width, const char *label, const char *text);

#endif

/* Wrapping text. See columns.h. */
#include "columns.h"

#include <string.h>

void columns_wrap(FILE *out, const char *text, int column, int indent)
{
    for (const char *at = text; *at;) {
        const int width = (int)strcspn(at, " ");
        if (at != text && column + 1 + width > COLUMNS_WIDTH)
            column = fprintf(out, "\n%*s", indent, "") - 1;
        else if (at != text)
            column += fprintf(out, " ");
        column += fprintf(out, "%.*s", width, at);
        at += width + (at[width] == ' ');
    }
    fprintf(out, "\n");
}

void columns_row(FILE *out, int indent, int width, const char *label, const char *text)
{
    const int column = fprintf(out, "%*s%-*s ", indent, "", width, label);
    columns_wrap(out, text, column, indent + width + 1);
}

/* Reads the files of transcripts: see load.h. */
#include "load.h"

#include <stdio.h>
#include <stdlib.h>

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return NULL;
    }
    size_t size = 0, used = 0;
    char  *text = NULL;
    for (;;) {
        if (used + 1 >= size) {
            size = size == 0 ? 4096 : size * 2;
            text = realloc(text, size);
        }
        if (text == NULL) {
            abort();
        }
        size_t n = fread(text + used, 1, size - used - 1, file);
        if (n == 0) {
            break;
        }
        used += n;
    }
    fclose(file);
    text[used] = '\0';
    return text;
}

transcript_t *transcript_load(const char *path, char *error, size_t size)
{
    return transcript_read(path, read_file(path), read_file, error, size);
}

/* All transcripts below a folder, but for the runner's own tests. */
#ifndef FOLDER_H
#define FOLDER_H

#include "transcript.h"

enum { FOLDER_MAX = 2000 };

typedef struct {
    transcript_t *transcript[FOLDER_MAX];
    size_t        count;
} folder_t;

void folder_load(folder_t *folder, const char *path);

#endif

/* Transcripts from files. */
#ifndef LOAD_H
#define LOAD_H

#include "transcript.h"

/* Reads and checks a file. NULL: `error` says where and why. */
transcript_t *transcript_load(const char *path, char *error, size_t size);

#endif

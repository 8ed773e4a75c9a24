/* See folder.h. */
#define _POSIX_C_SOURCE 200809L

#include "folder.h"
#include "load.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

void folder_load(folder_t *folder, const char *path)
{
    DIR *const list = opendir(path);
    if (list == NULL) return;
    for (struct dirent *entry = readdir(list); entry != NULL; entry = readdir(list)) {
        char         below[1024], error[1200];
        struct stat  status;
        const size_t n = strlen(entry->d_name);
        if (entry->d_name[0] == '.') continue;
        snprintf(below, sizeof below, "%s/%s", path, entry->d_name);
        if (stat(below, &status) != 0) continue;
        if (S_ISDIR(status.st_mode)) folder_load(folder, below);
        if (n < 4 || strcmp(entry->d_name + n - 4, ".txt") != 0 || strcmp(entry->d_name, "scope.txt") == 0) continue;
        if (strncmp(entry->d_name, "fails-", 6) == 0) continue;
        transcript_t *const transcript = transcript_load(below, error, sizeof error);
        if (transcript != NULL && folder->count < FOLDER_MAX) folder->transcript[folder->count++] = transcript;
    }
    closedir(list);
}

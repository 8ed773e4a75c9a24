/* The settings in a file. See flash.h. */
#include "flash.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool name_beside(char *out, const char *path, const char *suffix)
{
    if (snprintf(out, PATH_MAX, "%s%s", path, suffix) < PATH_MAX) return true;
    errno = ENAMETOOLONG;
    return false;
}

static bool read_all(int fd, flash_t *flash)
{
    ssize_t n;
    while ((n = read(fd, flash->image + flash->size, sizeof flash->image - flash->size)) > 0)
        flash->size += (size_t)n;
    return n == 0;
}

bool flash_open(flash_t *flash, const char *path)
{
    char aside[PATH_MAX];
    *flash = (flash_t){ .path = path };
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return errno == ENOENT;
    bool whole = read_all(fd, flash);
    close(fd);
    if (!whole) return false;
    if (cipmux_image_is_good(flash->image, flash->size)) return true;
    flash->damaged = true;
    flash->size = 0;
    return name_beside(aside, path, ".damaged") && rename(path, aside) == 0;
}

static bool write_all(int fd, const uint8_t *bytes, size_t n)
{
    for (ssize_t put; n > 0; bytes += put, n -= (size_t)put) {
        put = write(fd, bytes, n);
        if (put < 0 && errno == EINTR) put = 0;
        if (put < 0) return false;
    }
    return true;
}

/* A new name is on the disk only when its folder is. */
static bool sync_folder(const char *path)
{
    char copy[PATH_MAX];
    snprintf(copy, sizeof copy, "%s", path);
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return false;
    bool done = fsync(fd) == 0;
    close(fd);
    return done;
}

static bool write_new(const char *name, const uint8_t *image, size_t n)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) return false;
    bool done = write_all(fd, image, n) && fsync(fd) == 0;
    int  error = errno;
    done = close(fd) == 0 && done;
    if (!done) {
        unlink(name);
        errno = error;
    }
    return done;
}

bool flash_store(flash_t *flash, const cipmux_t *modem)
{
    uint8_t image[CIPMUX_IMAGE_MAX];
    char    name[PATH_MAX];
    size_t  n = cipmux_image(modem, image);
    if (!name_beside(name, flash->path, ".new") || !write_new(name, image, n)) return false;
    if (rename(name, flash->path) != 0) {
        int error = errno;
        unlink(name);
        errno = error;
        return false;
    }
    sync_folder(flash->path); /* the file is the new one already */
    memcpy(flash->image, image, n);
    flash->size = n;
    return true;
}

/* Open flags; see open_flags.h. */
#include "sftp/open_flags.h"

#include <stddef.h>
#include <string.h>

#include <sshio/sftp.h>

#define MODE_MAX_LEN 2u

static const struct {
    const char *mode;
    uint32_t pflags;
} modes[] = {
    { "r", SSHIO_FXF_READ },
    { "r+", SSHIO_FXF_READ | SSHIO_FXF_WRITE },
    { "w", SSHIO_FXF_WRITE | SSHIO_FXF_CREAT | SSHIO_FXF_TRUNC },
    { "w+", SSHIO_FXF_READ | SSHIO_FXF_WRITE | SSHIO_FXF_CREAT | SSHIO_FXF_TRUNC },
    { "a", SSHIO_FXF_WRITE | SSHIO_FXF_CREAT | SSHIO_FXF_APPEND },
    { "a+", SSHIO_FXF_READ | SSHIO_FXF_WRITE | SSHIO_FXF_CREAT | SSHIO_FXF_APPEND },
    { "x", SSHIO_FXF_WRITE | SSHIO_FXF_CREAT | SSHIO_FXF_EXCL },
    { "x+", SSHIO_FXF_READ | SSHIO_FXF_WRITE | SSHIO_FXF_CREAT | SSHIO_FXF_EXCL },
};

bool open_mode_parse(const char *mode, uint32_t *pflags)
{
    char plain[MODE_MAX_LEN + 1];
    size_t len = 0;
    for (; *mode != '\0'; mode++) {
        if (*mode != 'b' && len == MODE_MAX_LEN)
            return false;
        if (*mode != 'b')
            plain[len++] = *mode;
    }
    plain[len] = '\0';
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        if (strcmp(plain, modes[i].mode) == 0) {
            *pflags = modes[i].pflags;
            return true;
        }
    }
    return false;
}

static uint32_t disposition(uint32_t pflags)
{
    if ((pflags & SSHIO_FXF_CREAT) != 0) {
        if ((pflags & SSHIO_FXF_EXCL) != 0)
            return SSHIO_FXF_CREATE_NEW;
        return (pflags & SSHIO_FXF_TRUNC) != 0 ? SSHIO_FXF_CREATE_TRUNCATE : SSHIO_FXF_OPEN_OR_CREATE;
    }
    return (pflags & SSHIO_FXF_TRUNC) != 0 ? SSHIO_FXF_TRUNCATE_EXISTING : SSHIO_FXF_OPEN_EXISTING;
}

void open_flags_to_v5(uint32_t pflags, uint32_t *access, uint32_t *flags)
{
    *access = 0;
    *flags = disposition(pflags);
    if ((pflags & SSHIO_FXF_READ) != 0)
        *access |= SSHIO_ACE4_READ_DATA | SSHIO_ACE4_READ_ATTRIBUTES;
    if ((pflags & SSHIO_FXF_WRITE) != 0)
        *access |= SSHIO_ACE4_WRITE_DATA | SSHIO_ACE4_WRITE_ATTRIBUTES;
    if ((pflags & SSHIO_FXF_APPEND) != 0) {
        *access |= SSHIO_ACE4_APPEND_DATA;
        *flags |= SSHIO_FXF_APPEND_DATA;
    }
}

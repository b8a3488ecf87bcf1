/* See keyboard.h. */
#include "keyboard.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <unistd.h>

#include <sshio.h>

#define PIECE 4096

static struct {
    int to;
    struct escapes escapes;
    void (*command)(enum escape_command command);
} keyboard;

static void tell(void *command)
{
    keyboard.command((enum escape_command)(intptr_t)command);
}

static bool pass_on(const char *data, size_t len)
{
    while (len > 0) {
        ssize_t put = write(keyboard.to, data, len);
        if (put < 0 && errno != EINTR)
            return false;
        data += put > 0 ? put : 0;
        len -= put > 0 ? (size_t)put : 0;
    }
    return true;
}

static bool pass_typed_on(const char *typed, size_t len)
{
    char out[PIECE + 1];
    size_t out_len;
    enum escape_command command;
    while (len > 0) {
        size_t taken = escapes_filter(&keyboard.escapes, typed, len, out, &out_len, &command);
        if (!pass_on(out, out_len))
            return false;
        if (command != ESCAPE_NOTHING)
            sshio_post(NULL, tell, (void *)(intptr_t)command);
        typed += taken;
        len -= taken;
    }
    return true;
}

/* A terminal whose output must not block does not block here either. */
static ssize_t wait_and_read(char *typed, size_t size)
{
    struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
    ssize_t got;
    do {
        poll(&in, 1, -1);
        got = read(STDIN_FILENO, typed, size);
    } while (got < 0 && (errno == EINTR || errno == EAGAIN));
    return got;
}

static void *run(void *arg)
{
    char typed[PIECE];
    ssize_t got;
    (void)arg;
    while ((got = wait_and_read(typed, sizeof typed)) > 0)
        if (!pass_typed_on(typed, (size_t)got))
            break;
    if (keyboard.escapes.begun)
        pass_on((const char *)&keyboard.escapes.character, 1);
    close(keyboard.to);
    return NULL;
}

bool keyboard_start(int to, const unsigned char *escape, void (*command)(enum escape_command command))
{
    pthread_t thread;
    keyboard.to = to;
    keyboard.escapes = (struct escapes){ .off = escape == NULL, .character = escape != NULL ? *escape : 0 };
    keyboard.command = command;
    if (pthread_create(&thread, NULL, run, NULL) != 0)
        return false;
    pthread_detach(thread);
    return true;
}

/* Where sftp's lines come from: a file, a pipe or a terminal. They are read on a worker thread, so that the connection
 * goes on meanwhile; an interrupt wakes it by a pipe. See sftp.h. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sftp.h"
#include "talk.h"

#define BUFFER_SIZE 4096
#define LINE_MAX_LEN (1 << 20)

struct input {
    int fd, wake[2];
    bool editable, interrupted;
    struct editor *editor;
    char buffer[BUFFER_SIZE];
    size_t at, len;
    /* the line that is being read */
    const char *prompt;
    char *line;
};

struct input *input_open(struct sftp *sftp, int fd, bool editable)
{
    struct input *input = calloc(1, sizeof *input);

    if (input == NULL || pipe2(input->wake, O_CLOEXEC | O_NONBLOCK) != 0) {
        free(input);
        return NULL;
    }
    input->fd = fd;
    input->editable = editable;
    input->editor = editable ? editor_open(sftp, input) : NULL;
    return input;
}

void input_close(struct input *input)
{
    if (input == NULL)
        return;
    editor_close(input->editor);
    close(input->wake[0]);
    close(input->wake[1]);
    close(input->fd);
    free(input);
}

enum wish { INTERRUPT = 'i', REFRESH = 'r' };

static void wake(struct input *input, char wish)
{
    if (write(input->wake[1], &wish, 1) < 0)
        return; /* it is full: who reads is being woken */
}

void input_interrupt(struct input *input)
{
    wake(input, INTERRUPT);
}

void input_refresh(struct input *input)
{
    wake(input, REFRESH);
}

/* ---- on the worker thread ---- */

/* What the loop's thread wants. */
static void grant_wishes(struct input *input)
{
    char wish;
    bool refresh = false;

    while (read(input->wake[0], &wish, 1) == 1) {
        input->interrupted |= wish == INTERRUPT;
        refresh |= wish == REFRESH;
    }
    if (refresh && !input->interrupted && input->editor != NULL)
        editor_refresh(input->editor);
}

/* Until there is something to read; false = an interrupt. */
static bool wait_for_input(struct input *input)
{
    struct pollfd fds[] = { { .fd = input->fd, .events = POLLIN }, { .fd = input->wake[0], .events = POLLIN } };

    for (;;) {
        while (poll(fds, 2, -1) < 0 && errno == EINTR)
            ;
        if (fds[1].revents == 0)
            return true;
        grant_wishes(input);
        if (input->interrupted)
            return false;
    }
}

static bool fill(struct input *input)
{
    ssize_t n;

    do {
        if (!wait_for_input(input))
            return false;
        n = read(input->fd, input->buffer, sizeof input->buffer);
    } while (n < 0 && (errno == EINTR || errno == EAGAIN));
    input->at = 0;
    input->len = n > 0 ? (size_t)n : 0;
    return n > 0;
}

bool input_byte(struct input *input, char *byte)
{
    if (input->at == input->len && !fill(input))
        return false;
    *byte = input->buffer[input->at++];
    return true;
}

static char *plain_line(struct input *input)
{
    size_t len = 0, size = 256;
    char *line = malloc(size), byte;
    bool got = false;

    while (line != NULL && len < LINE_MAX_LEN && (got = input_byte(input, &byte)) && byte != '\n') {
        if (len + 1 == size) {
            char *grown = realloc(line, size *= 2);
            if (grown == NULL)
                break;
            line = grown;
        }
        line[len++] = byte;
    }
    if (line != NULL && (input->interrupted || (!got && len == 0))) {
        free(line);
        return NULL;
    }
    if (line != NULL)
        line[len] = '\0';
    return line;
}

static int read_line(void *arg)
{
    struct input *input = arg;

    input->line = input->editor != NULL ? editor_line(input->editor, input->prompt) : plain_line(input);
    return 0;
}

/* ---- on the thread of the loop ---- */

char *input_line(struct input *input, const char *prompt, bool *interrupted)
{
    char drained[16];

    input->prompt = prompt;
    input->line = NULL;
    input->interrupted = false;
    if (input->editable && input->editor == NULL)
        fputs(prompt, stdout);
    fflush(stdout);
    sshio_offload(read_line, input);
    while (read(input->wake[0], drained, sizeof drained) > 0)
        ;
    *interrupted = input->interrupted;
    return input->line;
}

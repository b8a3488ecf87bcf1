/* The last error, and the public functions that read and raise it. Outside tasks the record belongs
 * to the thread; it is freed with the thread's loop, or when the thread ends. */
#include "io/last_error.h"

#include <stdio.h>

#include "base/memory.h"
#include "io/internal.h"
#include "io/task.h"
#include "io/thread.h"

static _Thread_local struct error thread_error;

struct error *last_error(void)
{
    sshio_task *task = task_current();
    if (task != NULL)
        return task_error_slot(task);
    if (thread_error.pub.size == 0) {
        error_init(&thread_error);
        thread_watch_end();
    }
    return &thread_error;
}

void last_error_forget(void)
{
    if (thread_error.pub.size != 0)
        error_clear(&thread_error);
    thread_error.pub.size = 0;
}

int fail(int code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    error_setv(last_error(), code, format, args);
    va_end(args);
    return code;
}

int fail_with(const struct error *e)
{
    int code = error_code(e);
    if (code != 0)
        error_copy(last_error(), e);
    return code;
}

int fail_nomem(void)
{
    return error_nomem(last_error());
}

/* ---- public ---- */

const sshio_error *sshio_error_last(void)
{
    return &last_error()->pub;
}

const char *sshio_error_message(void)
{
    return error_message(last_error());
}

int sshio_report(const char *what)
{
    if (what != NULL)
        fprintf(stderr, "%s: ", what);
    fprintf(stderr, "%s\n", sshio_error_message());
    return 1;
}

int sshio_raise(int code, const char *format, ...)
{
    if (code >= 0)
        code = SSHIO_EINVAL;
    if (format == NULL)
        return fail(code, "%s", sshio_error_text(code));
    va_list args;
    va_start(args, format);
    error_setv(last_error(), code, format, args);
    va_end(args);
    return code;
}

int sshio_raise_errno(int os_errno, const char *format, ...)
{
    char text[512];
    if (format == NULL)
        return error_set_errno(last_error(), os_errno, "system error");
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return error_set_errno(last_error(), os_errno, "%s", text);
}

static int raise_reason(int code, uint32_t reason, const char *message, const char *lang)
{
    struct error *e = last_error();
    error_set_reason(e, code, reason, "%s", message != NULL ? message : sshio_error_text(code));
    error_set_lang(e, lang);
    return code;
}

int sshio_raise_disconnect(uint32_t reason, const char *message, const char *lang)
{
    return raise_reason(error_of_disconnect(reason), reason, message, lang);
}

int sshio_raise_password_change_required(const char *prompt, const char *lang)
{
    return raise_reason(SSHIO_EPASSWORD_CHANGE_REQUIRED, 0, prompt, lang);
}

int sshio_raise_channel_open(uint32_t reason, const char *message, const char *lang)
{
    return raise_reason(SSHIO_ECHANNEL_OPEN, reason, message, lang);
}

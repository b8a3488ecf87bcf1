/* Loggers; the contract stands in log.h.
 *
 * Levels and the handler belong to the whole process and may be changed while other threads log. A message is formatted
 * at most once, after the check that somebody wants it. The handler is called without a lock held, so it may log or set
 * another one. */
#include "base/log.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

struct sshio_logger {
    atomic_size_t refs;
    bool is_base; /* static: references are not counted */
    bool is_sftp; /* follows the level of the SFTP logger */
    const char *name;
    const char *context; /* "conn=3, chan=0"; may be empty */
};

static sshio_logger base_logger = { .is_base = true, .name = "sshio", .context = "" };
static sshio_logger sftp_logger = { .is_base = true, .is_sftp = true, .name = "sshio.sftp", .context = "" };

static atomic_int base_level = SSHIO_LOG_NOTSET;
static atomic_int sftp_level = SSHIO_LOG_NOTSET;
static atomic_int process_debug_level = 1;

static pthread_mutex_t sink_lock = PTHREAD_MUTEX_INITIALIZER;
static sshio_log_fn sink;
static void *sink_user;
static atomic_bool sink_set; /* what log_enabled needs to know of the two above */

/* ---- levels and the handler ---- */

void sshio_set_log_handler(sshio_log_fn handler, void *user)
{
    pthread_mutex_lock(&sink_lock);
    sink = handler;
    sink_user = user;
    atomic_store(&sink_set, handler != NULL);
    pthread_mutex_unlock(&sink_lock);
}

static bool is_level(int level)
{
    return level >= SSHIO_LOG_NOTSET && level <= SSHIO_LOG_CRITICAL;
}

bool log_set_level(int level)
{
    if (is_level(level))
        atomic_store(&base_level, level);
    return is_level(level);
}

bool log_set_sftp_level(int level)
{
    if (is_level(level))
        atomic_store(&sftp_level, level);
    return is_level(level);
}

bool log_set_debug_level(int level)
{
    bool valid = level >= 1 && level <= 3;
    if (valid)
        atomic_store(&process_debug_level, level);
    return valid;
}

static int level_of(const sshio_logger *logger)
{
    int level = logger->is_sftp ? atomic_load_explicit(&sftp_level, memory_order_relaxed) : SSHIO_LOG_NOTSET;
    if (level == SSHIO_LOG_NOTSET)
        level = atomic_load_explicit(&base_level, memory_order_relaxed);
    return level != SSHIO_LOG_NOTSET ? level : SSHIO_LOG_WARNING;
}

bool log_enabled(const sshio_logger *logger, sshio_log_level level, int debug_level)
{
    if ((int)level < level_of(logger != NULL ? logger : &base_logger))
        return false;
    if (level == SSHIO_LOG_DEBUG && debug_level > atomic_load_explicit(&process_debug_level, memory_order_relaxed))
        return false;
    return level >= SSHIO_LOG_WARNING || atomic_load_explicit(&sink_set, memory_order_relaxed);
}

/* ---- loggers ---- */

sshio_logger *log_base(void)
{
    return &base_logger;
}

sshio_logger *sshio_get_logger(void)
{
    return &base_logger;
}

sshio_logger *sshio_get_sftp_logger(void)
{
    return &sftp_logger;
}

/* A logger with its two texts behind it, in one allocation. */
static sshio_logger *logger_make(const char *name, const char *context)
{
    size_t name_size = strlen(name) + 1, context_size = strlen(context) + 1;
    sshio_logger *logger = mem_alloc(sizeof *logger + name_size + context_size);
    if (logger == NULL)
        return NULL;
    char *texts = (char *)(logger + 1);
    memcpy(texts, name, name_size);
    memcpy(texts + name_size, context, context_size);
    *logger = (sshio_logger){ .name = texts, .context = texts + name_size };
    atomic_init(&logger->refs, 1);
    return logger;
}

/* "parent" SEPARATOR "own", with either of them alone when the other is missing; to be freed. NULL when out of memory.
 */
static char *join(const char *parent, const char *separator, const char *own)
{
    if (own == NULL || *own == '\0')
        return mem_strdup(parent);
    if (*parent == '\0')
        return mem_strdup(own);
    size_t size = strlen(parent) + strlen(separator) + strlen(own) + 1;
    char *joined = mem_alloc(size);
    if (joined != NULL)
        snprintf(joined, size, "%s%s%s", parent, separator, own);
    return joined;
}

static sshio_logger *child(sshio_logger *parent, const char *own_name, const char *own_context)
{
    if (parent == NULL)
        parent = &base_logger;
    char *name = join(parent->name, ".", own_name);
    char *context = join(parent->context, ", ", own_context);
    sshio_logger *logger = name != NULL && context != NULL ? logger_make(name, context) : NULL;
    if (logger != NULL)
        logger->is_sftp = parent->is_sftp || strcmp(name, sftp_logger.name) == 0;
    mem_free(name);
    mem_free(context);
    return logger;
}

sshio_logger *logger_new(sshio_logger *parent, const char *name, const char *context_format, ...)
{
    char context[128] = "";
    if (context_format != NULL) {
        va_list args;
        va_start(args, context_format);
        vsnprintf(context, sizeof context, context_format, args);
        va_end(args);
    }
    return child(parent, name, context);
}

sshio_logger *logger_child(sshio_logger *parent, const char *name, const char *context)
{
    return child(parent, name, context);
}

sshio_logger *logger_ref(sshio_logger *logger)
{
    if (logger != NULL && !logger->is_base)
        atomic_fetch_add_explicit(&logger->refs, 1, memory_order_relaxed);
    return logger;
}

void logger_unref(sshio_logger *logger)
{
    if (logger == NULL || logger->is_base)
        return;
    if (atomic_fetch_sub_explicit(&logger->refs, 1, memory_order_acq_rel) == 1)
        mem_free(logger);
}

void sshio_logger_unref(sshio_logger *logger)
{
    logger_unref(logger);
}

/* ---- messages ---- */

static const char *level_name(sshio_log_level level)
{
    return level >= SSHIO_LOG_CRITICAL ? "critical" : level >= SSHIO_LOG_ERROR ? "error" : "warning";
}

/* Without a handler: one line on stderr, harmless for a terminal whatever it quotes. */
static void print(const sshio_logger *logger, sshio_log_level level, const char *text)
{
    char harmless[1024];
    const char *open = *logger->context != '\0' ? "[" : "", *close = *logger->context != '\0' ? "] " : "";
    fprintf(stderr, "%s: %s: %s%s%s%s\n", logger->name, level_name(level), open, logger->context, close,
            log_escaped(span_of(text), harmless, sizeof harmless));
}

static void deliver(const sshio_logger *logger, sshio_log_level level, const char *text)
{
    pthread_mutex_lock(&sink_lock);
    sshio_log_fn handler = sink;
    void *user = sink_user;
    pthread_mutex_unlock(&sink_lock);
    if (handler != NULL)
        handler(level, logger->name, logger->context, text, user);
    else if (level >= SSHIO_LOG_WARNING)
        print(logger, level, text);
}

static void log_message(sshio_logger *logger, sshio_log_level level, int debug_level, const char *format, va_list args)
    SSHIO_PRINTF(4, 0);

/* Most messages fit in the small buffer; it is small because tasks have small stacks. */
static void log_message(sshio_logger *logger, sshio_log_level level, int debug_level, const char *format, va_list args)
{
    char small[256];
    va_list again;

    if (!log_enabled(logger, level, debug_level))
        return;
    va_copy(again, args);
    int len = vsnprintf(small, sizeof small, format, args);
    char *large = len >= (int)sizeof small ? mem_alloc((size_t)len + 1) : NULL;
    if (large != NULL)
        vsnprintf(large, (size_t)len + 1, format, again);
    va_end(again);
    deliver(logger != NULL ? logger : &base_logger, level, large != NULL ? large : small);
    mem_free(large);
}

/* The functions differ in level and debug level only; va_start has to stand in each of them. */
#define LOG_AT(logger, level, debug_level, format)                                                                     \
    va_list args;                                                                                                      \
    va_start(args, format);                                                                                            \
    log_message(logger, level, debug_level, format, args);                                                             \
    va_end(args)

void log_error(sshio_logger *logger, const char *format, ...)
{
    LOG_AT(logger, SSHIO_LOG_ERROR, 1, format);
}

void log_warning(sshio_logger *logger, const char *format, ...)
{
    LOG_AT(logger, SSHIO_LOG_WARNING, 1, format);
}

void log_info(sshio_logger *logger, const char *format, ...)
{
    LOG_AT(logger, SSHIO_LOG_INFO, 1, format);
}

void log_debug(sshio_logger *logger, int debug_level, const char *format, ...)
{
    LOG_AT(logger, SSHIO_LOG_DEBUG, debug_level, format);
}

void sshio_log(sshio_logger *logger, sshio_log_level level, const char *format, ...)
{
    LOG_AT(logger, level, 1, format);
}

void sshio_log_debug(sshio_logger *logger, int debug_level, const char *format, ...)
{
    LOG_AT(logger, SSHIO_LOG_DEBUG, debug_level, format);
}

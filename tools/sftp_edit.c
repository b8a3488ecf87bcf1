/* Lines that a person edits, by libedit: history, and completion by the tab key. All of it is done on the worker thread
 * that reads; only the looking up of files over there is done by a task of the loop. See sftp.h. */
#include <histedit.h>
#include <locale.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#include "sftp.h"
#include "talk.h"
#include "terminal.h"

#define HISTORY_SIZE 100

struct editor {
    struct sftp *sftp;
    struct input *input;
    EditLine *el;
    History *history;
    const char *prompt;
    mbstate_t partial; /* of a character */
};

static struct editor *editor_of(EditLine *el)
{
    void *editor = NULL;
    el_get(el, EL_CLIENTDATA, &editor);
    return editor;
}

static char *prompt_of(EditLine *el)
{
    return (char *)editor_of(el)->prompt;
}

/* One character from as many octets as it takes. */
static int read_character(EditLine *el, wchar_t *c)
{
    struct editor *editor = editor_of(el);
    char byte;

    while (input_byte(editor->input, &byte)) {
        size_t n = mbrtowc(c, &byte, 1, &editor->partial);
        if (n == (size_t)-2)
            continue;
        if (n == (size_t)-1) {
            memset(&editor->partial, 0, sizeof editor->partial);
            continue;
        }
        return 1;
    }
    return -1;
}

/* ---- completion ---- */

struct lookup {
    struct sftp *sftp;
    char *line, *insertion;
    sshio_texts choices;
    pthread_mutex_t lock;
    pthread_cond_t done;
    bool is_done;
};

static void finish(struct lookup *lookup)
{
    pthread_mutex_lock(&lookup->lock);
    lookup->is_done = true;
    pthread_cond_signal(&lookup->done);
    pthread_mutex_unlock(&lookup->lock);
}

static int look_up(void *arg)
{
    struct lookup *lookup = arg;
    sftp_complete(lookup->sftp, lookup->line, &lookup->insertion, &lookup->choices);
    finish(lookup);
    return 0;
}

static void start_lookup(void *arg)
{
    if (sshio_spawn(look_up, arg, NULL) != 0)
        finish(arg);
}

static void await(struct lookup *lookup)
{
    if (sshio_post(NULL, start_lookup, lookup) != 0)
        return;
    pthread_mutex_lock(&lookup->lock);
    while (!lookup->is_done)
        pthread_cond_wait(&lookup->done, &lookup->lock);
    pthread_mutex_unlock(&lookup->lock);
}

static void list_choices(const sshio_texts *choices)
{
    int longest = 0, whole = terminal_columns(STDOUT_FILENO);
    char shown[1024];

    for (size_t i = 0; i < choices->count; i++)
        if (strlen(choices->items[i]) < 1000 && (int)strlen(choices->items[i]) > longest)
            longest = (int)strlen(choices->items[i]);
    size_t columns = (size_t)(whole / (longest + 2) > 0 ? whole / (longest + 2) : 1);
    for (size_t i = 0; i < choices->count; i++) {
        talk_escape(choices->items[i], shown, sizeof shown);
        printf("%s%-*s", i % columns == 0 ? "\n" : "", longest + 2, shown);
    }
    putchar('\n');
    fflush(stdout);
}

static unsigned char show(EditLine *el, const struct lookup *lookup)
{
    bool is_empty = lookup->insertion == NULL || lookup->insertion[0] == '\0';

    if (!is_empty)
        return el_insertstr(el, lookup->insertion) == 0 ? CC_REFRESH : CC_ERROR;
    if (lookup->choices.count < 2)
        return CC_ERROR;
    list_choices(&lookup->choices);
    return CC_REDISPLAY;
}

static unsigned char complete(EditLine *el, int key)
{
    const LineInfo *info = el_line(el);
    struct lookup lookup = { .sftp = editor_of(el)->sftp,
                             .line = strndup(info->buffer, (size_t)(info->cursor - info->buffer)),
                             .lock = PTHREAD_MUTEX_INITIALIZER,
                             .done = PTHREAD_COND_INITIALIZER };

    (void)key;
    if (lookup.line == NULL)
        return CC_ERROR;
    await(&lookup);
    unsigned char result = show(el, &lookup);
    for (size_t i = 0; i < lookup.choices.count; i++)
        free(lookup.choices.items[i]);
    free(lookup.choices.items);
    free(lookup.insertion);
    free(lookup.line);
    return result;
}

/* ---- lines ---- */

static void set_up(struct editor *editor)
{
    static const char *const keys[][2] = {
        { "^I", "sftp-complete" },      { "\\e[1~", "ed-move-to-beg" },      { "\\e[4~", "ed-move-to-end" },
        { "\\e[7~", "ed-move-to-beg" }, { "\\e[8~", "ed-move-to-end" },      { "\\e[H", "ed-move-to-beg" },
        { "\\e[F", "ed-move-to-end" },  { "\\e[3~", "ed-delete-next-char" }, { "^R", "em-inc-search-prev" },
        { "\\e\\e[C", "em-next-word" }, { "\\e\\e[D", "ed-prev-word" },
    };
    EditLine *el = editor->el;
    HistEvent event;

    history(editor->history, &event, H_SETSIZE, HISTORY_SIZE);
    el_set(el, EL_CLIENTDATA, editor);
    el_set(el, EL_PROMPT, prompt_of);
    el_set(el, EL_EDITOR, "emacs");
    el_set(el, EL_TERMINAL, NULL);
    el_set(el, EL_HIST, history, editor->history);
    el_set(el, EL_GETCFN, read_character);
    el_wset(el, EL_ADDFN, L"sftp-complete", L"Completes a command or a path", complete); /* el_set leaks copies */
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        el_set(el, EL_BIND, keys[i][0], keys[i][1], NULL);
    el_source(el, NULL);
}

struct editor *editor_open(struct sftp *sftp, struct input *input)
{
    struct editor *editor = calloc(1, sizeof *editor);

    if (editor == NULL)
        return NULL;
    setlocale(LC_CTYPE, "");
    editor->sftp = sftp;
    editor->input = input;
    editor->el = el_init("sftp", stdin, stdout, stderr);
    editor->history = history_init();
    if (editor->el == NULL || editor->history == NULL) {
        editor_close(editor);
        return NULL;
    }
    set_up(editor);
    return editor;
}

char *editor_line(struct editor *editor, const char *prompt)
{
    HistEvent event;
    int len = 0;

    editor->prompt = prompt;
    memset(&editor->partial, 0, sizeof editor->partial);
    el_resize(editor->el);
    const char *text = el_gets(editor->el, &len);
    if (text == NULL || len <= 0)
        return NULL;
    char *line = strndup(text, strcspn(text, "\r\n"));
    if (line != NULL && line[0] != '\0')
        history(editor->history, &event, H_ENTER, line);
    return line;
}

void editor_refresh(struct editor *editor)
{
    putchar('\r');
    fflush(stdout);
    el_resize(editor->el);
    el_set(editor->el, EL_REFRESH);
}

void editor_close(struct editor *editor)
{
    if (editor == NULL)
        return;
    if (editor->el != NULL)
        el_end(editor->el);
    if (editor->history != NULL)
        history_end(editor->history);
    free(editor);
}

/* See words.h. */
#include "words.h"

#include <stdlib.h>
#include <string.h>

#define PATTERN_FACTOR 3 /* "[*]" for "*" */

static const char pattern_characters[] = "*?[]";
static const char blanks[] = " \t\r\n";

static bool is_one_of(const char *set, char c)
{
    return c != '\0' && strchr(set, c) != NULL;
}

/* A closing bracket alone needs nothing: there is no set that it could end. */
static size_t put_literal(char *pattern, char c)
{
    if (c == ']' || !is_one_of(pattern_characters, c)) {
        pattern[0] = c;
        return 1;
    }
    memcpy(pattern, (char[]){ '[', c, ']' }, 3);
    return 3;
}

struct scan {
    const char *at;
    char quote;
    struct word *word;
    size_t text_len, pattern_len;
};

static void put(struct scan *s, char c, bool literal)
{
    s->word->text[s->text_len++] = c;
    if (literal)
        s->pattern_len += put_literal(s->word->pattern + s->pattern_len, c);
    else
        s->word->pattern[s->pattern_len++] = c;
}

/* Within quotes a backslash stands for itself, unless the quote or another one follows. */
static void take_quoted(struct scan *s)
{
    if (*s->at == s->quote) {
        s->quote = '\0';
    } else {
        if (s->at[0] == '\\' && (s->at[1] == s->quote || s->at[1] == '\\'))
            s->at++;
        put(s, *s->at, true);
    }
    s->at++;
}

static void take_plain(struct scan *s)
{
    if (*s->at == '"' || *s->at == '\'') {
        s->quote = *s->at++;
        return;
    }
    bool escaped = s->at[0] == '\\' && s->at[1] != '\0';
    s->at += escaped;
    put(s, *s->at++, escaped);
}

static bool begin_word(struct scan *s)
{
    size_t size = strlen(s->at) + 1;
    s->text_len = s->pattern_len = 0;
    s->word->text = calloc(1, size);
    s->word->pattern = calloc(PATTERN_FACTOR, size);
    return s->word->text != NULL && s->word->pattern != NULL;
}

enum words_result words_parse(const char *line, struct words *words)
{
    struct scan s = { .at = line };

    *words = (struct words){ 0 };
    for (;;) {
        s.at += strspn(s.at, blanks);
        if (*s.at == '\0' || *s.at == '#')
            return WORDS_OK;
        if (words->count == WORDS_MAX)
            return WORDS_TOO_MANY;
        s.word = &words->items[words->count++];
        const char *start = s.at;
        if (!begin_word(&s))
            return WORDS_NO_MEMORY;
        while (*s.at != '\0' && (s.quote != '\0' || !is_one_of(blanks, *s.at))) {
            if (s.quote != '\0')
                take_quoted(&s);
            else
                take_plain(&s);
        }
        words->in_word = *s.at == '\0';
        words->last_len = (size_t)(s.at - start);
        words->quote = s.quote;
        if (s.quote != '\0')
            return WORDS_UNTERMINATED;
    }
}

void words_done(struct words *words)
{
    for (size_t i = 0; i < words->count; i++) {
        free(words->items[i].text);
        free(words->items[i].pattern);
    }
    words->count = 0;
}

char *words_quote_pattern(const char *text)
{
    char *pattern = calloc(PATTERN_FACTOR, strlen(text) + 1);
    size_t len = 0;
    for (; pattern != NULL && *text != '\0'; text++)
        len += put_literal(pattern + len, *text);
    return pattern;
}

char *words_pattern(const char *text)
{
    char *pattern = calloc(PATTERN_FACTOR, strlen(text) + 1);
    size_t len = 0;
    for (; pattern != NULL && *text != '\0'; text++) {
        bool escaped = text[0] == '\\' && text[1] != '\0';
        text += escaped;
        if (escaped)
            len += put_literal(pattern + len, *text);
        else
            pattern[len++] = *text;
    }
    return pattern;
}

char *words_quote(const char *text, char quote)
{
    static const char special[] = " \t\r\n\"'\\*?[]#";
    char *quoted = calloc(2, strlen(text) + 1);
    size_t len = 0;
    for (; quoted != NULL && *text != '\0'; text++) {
        bool escape = quote != '\0' ? *text == quote || *text == '\\' : is_one_of(special, *text);
        if (escape)
            quoted[len++] = '\\';
        quoted[len++] = *text;
    }
    return quoted;
}

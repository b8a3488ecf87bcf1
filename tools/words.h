/* A line of commands cut into words, as sftp(1) does: blanks between them, quotes of both kinds, backslashes, and a
 * comment from "#" on. */
#ifndef SSHIO_TOOLS_WORDS_H
#define SSHIO_TOOLS_WORDS_H

#include <stdbool.h>
#include <stddef.h>

#define WORDS_MAX 128

struct word {
    char *text;    /* what was meant */
    char *pattern; /* the same as a pattern: characters that were quoted stand for themselves */
};

struct words {
    size_t count;
    struct word items[WORDS_MAX];
    char quote;      /* that is open at the end of the line; '\0' = none */
    bool in_word;    /* the line ends within the last word */
    size_t last_len; /* octets of the line that the last word takes, with its quotes */
};

enum words_result { WORDS_OK, WORDS_UNTERMINATED, WORDS_TOO_MANY, WORDS_NO_MEMORY };

/* words is filled as far as possible whatever the result is; words_done empties it. */
enum words_result words_parse(const char *line, struct words *words);
void words_done(struct words *words);

/* A text as a pattern that only it matches; freed by the caller, NULL = out of memory. */
char *words_quote_pattern(const char *text);
/* A pattern in which backslashes quote, as one in which sets of one do. Likewise. */
char *words_pattern(const char *text);
/* A text as it has to be typed, within the quote that is open, which '\0' = none is not. Likewise. */
char *words_quote(const char *text, char quote);

#endif

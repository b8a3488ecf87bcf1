/* See words.h. */
#include "config/words.h"

#include <string.h>

#include "base/bytes.h"

#define WORD_MAX_LEN (256u * 1024)

/* Inside double quotes a backslash escapes only these. (XCU 2.2.3) */
static bool is_escaped(const char *text, char quote)
{
    return quote == '\0' || (text[0] != '\0' && strchr("$`\"\\", text[0]) != NULL);
}

/* Takes the word that begins at *text, behind which *text is put; false = a quote or a backslash is left open. */
static bool take_word(const char **text, struct writer *word)
{
    const char *at = *text;
    char quote = '\0';

    for (; *at != '\0' && (quote != '\0' || strchr(" \t\r\n", *at) == NULL); at++) {
        if (*at == '\\' && quote != '\'' && is_escaped(at + 1, quote)) {
            if (*++at == '\0')
                return false;
            put_u8(word, (uint8_t)*at);
        } else if (quote == '\0' && (*at == '"' || *at == '\'')) {
            quote = *at;
        } else if (quote != '\0' && *at == quote) {
            quote = '\0';
        } else {
            put_u8(word, (uint8_t)*at);
        }
    }
    *text = at;
    return quote == '\0';
}

int words_split(const char *text, struct texts *words, struct error *e)
{
    struct writer word;
    int rc = 0;

    writer_init(&word, WORD_MAX_LEN);
    for (text += strspn(text, " \t\r\n"); rc == 0 && *text != '\0'; text += strspn(text, " \t\r\n")) {
        writer_reset(&word);
        if (!take_word(&text, &word)) {
            rc = error_set(e, SSHIO_EINVAL, "No closing quotation");
            break;
        }
        if (writer_failed(&word) || !texts_add_len(words, (const char *)word.data, word.len))
            rc = error_nomem(e);
    }
    writer_done(&word);
    return rc;
}

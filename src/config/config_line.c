/* See config_line.h. */
#include "config/config_line.h"

#include "config/text_lines.h"

bool config_line_split(struct span line, struct span *keyword, struct span *rest)
{
    line = text_trim(line);
    if (text_line_is_empty(line))
        return false;
    size_t len = 0;
    while (len < line.len && !text_is_blank(line.data[len]) && line.data[len] != '=')
        len++;
    *keyword = SPAN(line.data, len);
    line = text_trim(SPAN(line.data + len, line.len - len));
    if (line.len != 0 && line.data[0] == '=')
        line = text_trim(SPAN(line.data + 1, line.len - 1));
    *rest = line;
    return true;
}

static bool is_escape(struct span text, size_t at, char quote)
{
    if (text.data[at] != '\\' || at + 1 == text.len)
        return false;
    char next = (char)text.data[at + 1];
    return next == '"' || next == '\'' || next == '\\' || (next == ' ' && quote == '\0');
}

/* Unquotes one argument and takes it from the rest; false = an open quote. */
static bool take_argument(struct span *rest, struct writer *argument)
{
    char quote = '\0';
    size_t i = 0;

    for (; i < rest->len && (quote != '\0' || !text_is_blank(rest->data[i])); i++) {
        char c = (char)rest->data[i];
        if (is_escape(*rest, i, quote))
            put_u8(argument, rest->data[++i]);
        else if (quote == '\0' && (c == '"' || c == '\''))
            quote = c;
        else if (quote != '\0' && c == quote)
            quote = '\0';
        else
            put_u8(argument, (uint8_t)c);
    }
    *rest = text_trim(SPAN(rest->data + i, rest->len - i));
    return quote == '\0';
}

static int bad_line(const struct config_where *where, struct error *e, const char *reason)
{
    return error_set_file(e, SSHIO_ECONFIG_PARSE, where->filename, where->line, "%s", reason);
}

int config_line_arguments(struct span rest, const struct config_where *where, struct texts *arguments, struct error *e)
{
    struct writer argument;
    int rc = 0;

    rest = text_trim(rest);
    if (span_has_nul(rest))
        return bad_line(where, e, "NUL byte in the line");
    writer_init(&argument, TEXT_LINE_MAX_LEN);
    while (rc == 0 && !text_line_is_empty(rest)) {
        writer_reset(&argument);
        if (!take_argument(&rest, &argument))
            rc = bad_line(where, e, "No closing quotation");
        else if (writer_failed(&argument) || !texts_add_len(arguments, (const char *)argument.data, argument.len))
            rc = error_nomem(e);
    }
    writer_done(&argument);
    return rc;
}

int config_line_whole(struct span rest, const struct config_where *where, struct texts *arguments, struct error *e)
{
    rest = text_trim(rest);
    if (span_has_nul(rest))
        return bad_line(where, e, "NUL byte in the line");
    return rest.len == 0 || texts_add_len(arguments, (const char *)rest.data, rest.len) ? 0 : error_nomem(e);
}

/* In place of sftp_edit.c where there is no libedit: lines come as the terminal gives them. */
#include "sftp.h"

struct editor *editor_open(struct sftp *sftp, struct input *input)
{
    (void)sftp, (void)input;
    return NULL;
}

char *editor_line(struct editor *editor, const char *prompt)
{
    (void)editor, (void)prompt;
    return NULL;
}

void editor_refresh(struct editor *editor)
{
    (void)editor;
}

void editor_close(struct editor *editor)
{
    (void)editor;
}

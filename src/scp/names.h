/* What a source may call the items that it sends at the top, going by the path that it was asked for: the pattern that
 * its last component is, with braces and wildcards as a shell has them. Without this a server could send any file into
 * the directory. (CVE-2019-6111) */
#ifndef SSHIO_SCP_NAMES_H
#define SSHIO_SCP_NAMES_H

#include <stdbool.h>

#include "base/error.h"

/* Of the n-th item at the top, from 1 on: 0 or ESFTP_BAD_MESSAGE. */
int scp_names_check(const char *asked, const char *name, unsigned nth, struct error *e);

bool scp_names_match(const char *asked, const char *name);
bool scp_names_many(const char *asked); /* it may stand for several items */
bool scp_names_contents(
    const char *asked); /* it ends in "." or "/", or is empty: a directory called "." is what it means */

#endif

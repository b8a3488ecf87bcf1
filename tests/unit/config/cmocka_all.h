/* cmocka with the headers it needs first. */
#ifndef SSHIO_TESTS_CONFIG_CMOCKA_ALL_H
#define SSHIO_TESTS_CONFIG_CMOCKA_ALL_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof (array)[0])

#endif

/* What libFuzzer calls, and what it offers, where a target's inputs are mutated by ourselves. */
#ifndef SSHIO_TESTS_FUZZ_MUTATOR_H
#define SSHIO_TESTS_FUZZ_MUTATOR_H

#include <stddef.h>
#include <stdint.h>

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *one, size_t one_size, const uint8_t *two, size_t two_size, uint8_t *out,
                                 size_t max_size, unsigned int seed);

/* Provided by libFuzzer: changes bytes that mean nothing to it. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

#endif

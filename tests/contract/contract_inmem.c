/* The transport's contract, kept by the in-memory transport: all endpoints in this process. */
#include "comm/inmem.h"
#include "transport_contract.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { MOST = 8 };

static void fail_test(const char *text) __attribute__((noreturn));

static void
fail_test(const char *text)
{
	fail_msg("%s", text);
	__builtin_unreachable();
}

static void
keeps_contract(void **state)
{
	static const struct contract_options options = {.fail = fail_test};
	int size = *(const int *)*state;
	struct contract_end *ends[MOST];
	struct inmem *hub = inmem_new(size);
	for (int i = 0; i < size; i++)
		ends[i] = contract_begin(inmem_endpoint(hub, i), &options);
	contract_watch(CONTRACT_SECONDS);
	for (int open = size; open > 0;)
		for (int i = 0; i < size; i++) {
			int64_t ignored;
			if (ends[i] && !contract_step(ends[i], &ignored)) {
				ends[i] = NULL;
				open--;
			}
		}
	contract_watch(0);
}

int
main(void)
{
	static int sizes[] = {1, 2, 3, MOST};
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate(keeps_contract, &sizes[0]),
		cmocka_unit_test_prestate(keeps_contract, &sizes[1]),
		cmocka_unit_test_prestate(keeps_contract, &sizes[2]),
		cmocka_unit_test_prestate(keeps_contract, &sizes[3]),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

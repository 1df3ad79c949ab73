/*
 * The filter of --where: parsed by recursive descent into a flat program for a machine with a
 * stack, which a row runs through without any allocation.
 */
#include "tasks/where.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"

#include <locale.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Each level of nesting holds at most one operand for each of the four levels of precedence below
 * && and || (these drop theirs), and the innermost one more. */
enum { NESTING_MAX = 100, STACK_MAX = 4 * (NESTING_MAX + 1) + 1, NUMBER_MAX = 255 };

enum code {
	CODE_COLUMN,
	CODE_CONSTANT,
	CODE_OR,  /* if true, that is the result and jump; else drop it */
	CODE_AND, /* if false, likewise */
	CODE_TRUTH,
	CODE_NOT,
	CODE_NEGATE,
	CODE_EQUAL,
	CODE_UNEQUAL,
	CODE_LESS,
	CODE_LESS_EQUAL,
	CODE_GREATER,
	CODE_GREATER_EQUAL,
	CODE_ADD,
	CODE_SUBTRACT,
	CODE_MULTIPLY,
	CODE_DIVIDE,
	CODE_REMAINDER,
};

struct operand {
	bool is_number;
	double number;
	struct value text; /* NULL: computed */
};

struct op {
	enum code code;
	size_t at; /* in the expression */
	union {
		size_t column;
		size_t jump;
		struct operand constant;
	};
};

struct where {
	char *text;
	struct op *ops;
	size_t nops, capacity;
	locale_t c; /* for the decimal point */
};

/* --- numbers --- */

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static double
read_long_number(const char *text, size_t len, locale_t c)
{
	char room[NUMBER_MAX + 1];
	memcpy(room, text, len);
	room[len] = '\0';
	return strtod_l(room, NULL, c);
}

/*
 * The decimal number that TEXT begins with; how long it is, 0: none. Up to 15 digits without an
 * exponent are a whole number divided by a power of ten, both exact as doubles, which makes the
 * quotient the nearest double; the rest is strtod's.
 */
static size_t
scan_number(const char *text, size_t len, locale_t c, double *number)
{
	static const double powers[] = {
		1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
	size_t i = len && (*text == '-' || *text == '+'), digits = 0, decimals = 0;
	uint64_t whole = 0;
	for (; i < len && is_digit(text[i]); i++, digits++)
		whole = whole * 10 + (uint64_t)(text[i] - '0');
	if (i < len && text[i] == '.')
		for (i++; i < len && is_digit(text[i]); i++, digits++, decimals++)
			whole = whole * 10 + (uint64_t)(text[i] - '0');
	if (!digits || i > NUMBER_MAX)
		return 0;
	bool simple = digits <= 15;
	if (i < len && (text[i] | 0x20) == 'e') {
		size_t e = i + 1;
		e += e < len && (text[e] == '-' || text[e] == '+');
		if (e < len && is_digit(text[e])) {
			simple = false;
			for (i = e; i < len && is_digit(text[i]); i++)
				;
		}
	}
	if (!simple && i > NUMBER_MAX)
		return 0;
	*number = simple ? (double)whole / powers[decimals] : read_long_number(text, i, c);
	if (simple && *text == '-')
		*number = -*number;
	return i;
}

/* A value is a number if all of it is one, but for blanks around it. */
static struct operand
operand_of(struct value value, locale_t c)
{
	struct operand operand = {.text = value};
	const char *text = value.text;
	size_t len = value.len;
	for (; len && is_blank(*text); len--)
		text++;
	while (len && is_blank(text[len - 1]))
		len--;
	operand.is_number = len && scan_number(text, len, c, &operand.number) == len;
	return operand;
}

/* --- parsing --- */

struct parser {
	struct where *where;
	const struct columns *columns;
	const char *at;
	int nesting;
	struct err *err;
};

static int
fail(const struct where *where, size_t at, struct err *err, const char *what)
{
	return err_set(err, "--where '%.150s', column %zu: %s", where->text, at + 1, what);
}

static int
fail_here(const struct parser *parser, const char *what)
{
	return fail(parser->where, (size_t)(parser->at - parser->where->text), parser->err, what);
}

static struct op *
emit(struct parser *parser, enum code code, const char *at)
{
	struct where *where = parser->where;
	if (where->nops == where->capacity) {
		where->capacity = where->capacity ? 2 * where->capacity : 16;
		where->ops = xrealloc(where->ops, where->capacity * sizeof(*where->ops));
	}
	struct op *op = &where->ops[where->nops++];
	*op = (struct op){.code = code, .at = (size_t)(at - where->text)};
	return op;
}

static void
skip_blanks(struct parser *parser)
{
	while (is_blank(*parser->at) || *parser->at == '\n')
		parser->at++;
}

/* The known names, as many as fit. */
static int
fail_unknown(struct parser *parser, const char *name, size_t len)
{
	const struct columns *columns = parser->columns;
	struct buf known = {0};
	buf_printf(
		&known, "no column is named '%.*s'; known are", (int)(len < 60 ? len : 60), name);
	if (columns->count)
		buf_printf(&known, " {1}");
	if (columns->count > 1)
		buf_printf(&known, " to {%zu}", columns->count);
	for (size_t i = 0; i < columns->count && known.len < 200; i++)
		if (columns->names[i])
			buf_printf(&known, " %.40s", columns->names[i]);
	int result = fail_here(parser, columns->count ? known.data : "there are no columns");
	buf_clear(&known);
	return result;
}

/* By name, or else, where BY_NUMBER, as a number from 1; the count of columns if there is none. */
static size_t
find_column(const struct columns *columns, const char *name, size_t len, bool by_number)
{
	size_t number = 0, i = 0;
	for (; i < columns->count; i++)
		if (columns->names[i] && strncmp(columns->names[i], name, len) == 0 &&
			!columns->names[i][len])
			return i;
	for (i = 0; by_number && i < len && is_digit(name[i]) && number <= columns->count; i++)
		number = number * 10 + (size_t)(name[i] - '0');
	return by_number && i == len && number ? number - 1 : columns->count;
}

static int
parse_column(struct parser *parser, const char *name, size_t len, size_t whole, bool by_number)
{
	size_t column = find_column(parser->columns, name, len, by_number);
	if (column >= parser->columns->count)
		return fail_unknown(parser, name, len);
	emit(parser, CODE_COLUMN, parser->at)->column = column;
	parser->at += whole;
	return 0;
}

static int
parse_braces(struct parser *parser)
{
	const char *name = parser->at + 1, *end = strchr(name, '}');
	if (!end)
		return fail_here(parser, "expected '}' after it");
	size_t len = (size_t)(end - name);
	return parse_column(parser, name, len, len + 2, true);
}

static int
parse_string(struct parser *parser)
{
	const char *text = parser->at + 1, *end = strchr(text, *parser->at);
	if (!end)
		return fail_here(parser, "a quote that does not end");
	emit(parser, CODE_CONSTANT, parser->at)->constant =
		(struct operand){.text = {.text = text, .len = (size_t)(end - text)}};
	parser->at = end + 1;
	return 0;
}

static bool
is_name_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_' ||
	       c == '.';
}

static int
parse_name_or_number(struct parser *parser)
{
	size_t len = 0;
	double number;
	while (is_name_byte(parser->at[len]))
		len++;
	if (!len)
		return fail_here(parser, "expected a name, a number, a quote or '('");
	if (!is_digit(*parser->at) && *parser->at != '.')
		return parse_column(parser, parser->at, len, len, false);
	len = scan_number(parser->at, strlen(parser->at), parser->where->c, &number);
	if (!len || is_name_byte(parser->at[len]))
		return fail_here(parser, "expected a number, or a name in {}");
	emit(parser, CODE_CONSTANT, parser->at)->constant = (struct operand){
		.is_number = true, .number = number, .text = {.text = parser->at, .len = len}};
	parser->at += len;
	return 0;
}

static int parse_levels(struct parser *parser, int level);

static int
parse_parentheses(struct parser *parser)
{
	parser->at++;
	if (parse_levels(parser, 0) < 0)
		return -1;
	if (*parser->at != ')')
		return fail_here(parser, "expected an operator or ')'");
	parser->at++;
	return 0;
}

static int
parse_plain_operand(struct parser *parser)
{
	switch (*parser->at) {
	case '(':
		return parse_parentheses(parser);
	case '{':
		return parse_braces(parser);
	case '"':
	case '\'':
		return parse_string(parser);
	default:
		return parse_name_or_number(parser);
	}
}

static int
parse_operand(struct parser *parser)
{
	skip_blanks(parser);
	const char *at = parser->at;
	if (parser->nesting == NESTING_MAX)
		return fail_here(parser, "expected at most 100 levels of nesting");
	parser->nesting++;
	bool sign = *at == '!' || *at == '-';
	parser->at += sign;
	if ((sign ? parse_operand(parser) : parse_plain_operand(parser)) < 0)
		return -1;
	if (sign)
		emit(parser, *at == '!' ? CODE_NOT : CODE_NEGATE, at);
	parser->nesting--;
	skip_blanks(parser);
	return 0;
}

struct operator
{
	char text[3];
	int level;
	enum code code;
};

/* One that another begins with comes after it. */
static const struct operator operators[] = {
	{"||", 0, CODE_OR},
	{"&&", 1, CODE_AND},
	{"==", 2, CODE_EQUAL},
	{"!=", 2, CODE_UNEQUAL},
	{"<=", 3, CODE_LESS_EQUAL},
	{">=", 3, CODE_GREATER_EQUAL},
	{"<", 3, CODE_LESS},
	{">", 3, CODE_GREATER},
	{"+", 4, CODE_ADD},
	{"-", 4, CODE_SUBTRACT},
	{"*", 5, CODE_MULTIPLY},
	{"/", 5, CODE_DIVIDE},
	{"%", 5, CODE_REMAINDER},
};

static const struct operator* find_operator(const char *at)
{
	for (size_t i = 0; i < sizeof(operators) / sizeof(*operators); i++)
		if (strncmp(at, operators[i].text, strlen(operators[i].text)) == 0)
			return &operators[i];
	return NULL;
}

static int
parse_logical(struct parser *parser, const struct operator* operator, const char * left)
{
	struct where *where = parser->where;
	size_t op = where->nops;
	emit(parser, operator->code, left);
	skip_blanks(parser);
	const char *right = parser->at;
	if (parse_levels(parser, operator->level + 1) < 0)
		return -1;
	emit(parser, CODE_TRUTH, right);
	where->ops[op].jump = where->nops;
	return 0;
}

/* Operators of LEVEL and above, from left to right. */
static int
parse_levels(struct parser *parser, int level)
{
	const struct operator* operator;
	skip_blanks(parser);
	const char *left = parser->at;
	if (parse_operand(parser) < 0)
		return -1;
	while ((operator= find_operator(parser->at)) && operator->level >= level) {
		const char *at = parser->at;
		parser->at += strlen(operator->text);
		if (operator->level<2) {
			if (parse_logical(parser, operator, left) < 0)
				return -1;
		} else {
			if (parse_levels(parser, operator->level + 1) < 0)
				return -1;
			emit(parser, operator->code, at);
		}
	}
	return 0;
}

struct where *
where_parse(const char *text, const struct columns *columns, struct err *err)
{
	struct where *where = xcalloc(1, sizeof(*where));
	where->text = xstrdup(text);
	where->c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	struct parser parser = {.where = where, .columns = columns, .at = where->text, .err = err};
	int result = parse_levels(&parser, 0);
	if (result == 0 && *parser.at)
		result = fail_here(
			&parser, "expected an operator (+ - * / % == != < <= > >= && ||)");
	if (result == 0) {
		emit(&parser, CODE_TRUTH, where->text + strspn(where->text, " \t\r\n"));
		return where;
	}
	where_free(where);
	return NULL;
}

void
where_free(struct where *where)
{
	if (!where)
		return;
	freelocale(where->c);
	free(where->ops);
	free(where->text);
	free(where);
}

/* --- running --- */

struct machine {
	const struct where *where;
	struct operand *top; /* the last one pushed */
	struct err *err;
};

static int
need_number(const struct machine *machine, const struct op *op, const struct operand *operand)
{
	if (operand->is_number)
		return 0;
	char what[128];
	size_t len = operand->text.len;
	snprintf(what, sizeof(what), "'%.*s' is no number", (int)(len < 80 ? len : 80),
		operand->text.text);
	return fail(machine->where, op->at, machine->err, what);
}

static void
set_number(struct operand *operand, double number)
{
	*operand = (struct operand){.is_number = true, .number = number};
}

static int
run_unary(const struct machine *machine, const struct op *op)
{
	struct operand *operand = machine->top;
	if (need_number(machine, op, operand) < 0)
		return -1;
	double number = operand->number;
	set_number(operand,
		op->code == CODE_NEGATE ? -number : (number != 0) == (op->code != CODE_NOT));
	return 0;
}

static int
compare_texts(const struct value *a, const struct value *b)
{
	int order = memcmp(a->text, b->text, a->len < b->len ? a->len : b->len);
	return order ? order : (a->len > b->len) - (a->len < b->len);
}

/* An empty value beside a number, to which it has no order: a cell of a table that has none. */
static bool
is_nothing(const struct operand *operand, const struct operand *other)
{
	const struct value *text = &operand->text;
	size_t i = 0;
	while (text->text && i < text->len && is_blank(text->text[i]))
		i++;
	return text->text && i == text->len && other->is_number;
}

static int
run_comparison(const struct machine *machine, const struct op *op)
{
	struct operand *a = machine->top, *b = a + 1;
	bool less, equal, greater;
	if (is_nothing(a, b) || is_nothing(b, a)) {
		less = equal = greater = false;
	} else if (a->is_number && b->is_number) {
		less = a->number < b->number;
		equal = a->number == b->number;
		greater = a->number > b->number;
	} else if (a->text.text && b->text.text) {
		int order = compare_texts(&a->text, &b->text);
		less = order < 0;
		equal = order == 0;
		greater = order > 0;
	} else {
		return need_number(machine, op, a->is_number ? b : a);
	}
	bool holds = op->code == CODE_EQUAL	   ? equal
		     : op->code == CODE_UNEQUAL	   ? !equal
		     : op->code == CODE_LESS	   ? less
		     : op->code == CODE_LESS_EQUAL ? less || equal
		     : op->code == CODE_GREATER	   ? greater
						   : greater || equal;
	set_number(a, holds);
	return 0;
}

static int
run_arithmetic(const struct machine *machine, const struct op *op)
{
	struct operand *left = machine->top, *right = left + 1;
	if (need_number(machine, op, left) < 0 || need_number(machine, op, right) < 0)
		return -1;
	double a = left->number, b = right->number;
	if ((op->code == CODE_DIVIDE || op->code == CODE_REMAINDER) && b == 0)
		return fail(machine->where, op->at, machine->err, "division by 0");
	set_number(left, op->code == CODE_ADD	     ? a + b
			 : op->code == CODE_SUBTRACT ? a - b
			 : op->code == CODE_MULTIPLY ? a * b
			 : op->code == CODE_DIVIDE   ? a / b
						     : fmod(a, b));
	return 0;
}

/* *NEXT is moved if the left side decides. */
static int
run_logical(struct machine *machine, const struct op *op, size_t *next)
{
	struct operand *left = machine->top;
	if (need_number(machine, op, left) < 0)
		return -1;
	bool holds = left->number != 0;
	if (holds == (op->code == CODE_OR)) {
		set_number(left, holds);
		*next = op->jump;
	} else {
		machine->top--;
	}
	return 0;
}

static int
run_op(struct machine *machine, const struct op *op, const struct row *row, size_t *next)
{
	switch (op->code) {
	case CODE_COLUMN:
		*++machine->top = operand_of(row->values[op->column], machine->where->c);
		return 0;
	case CODE_CONSTANT:
		*++machine->top = op->constant;
		return 0;
	case CODE_OR:
	case CODE_AND:
		return run_logical(machine, op, next);
	case CODE_TRUTH:
	case CODE_NOT:
	case CODE_NEGATE:
		return run_unary(machine, op);
	default:
		machine->top--;
		return op->code >= CODE_ADD ? run_arithmetic(machine, op)
					    : run_comparison(machine, op);
	}
}

int
where_holds(const struct where *where, const struct row *row, bool *holds, struct err *err)
{
	struct operand stack[STACK_MAX + 1]; /* the first one stays unused */
	struct machine machine = {.where = where, .top = stack, .err = err};
	for (size_t at = 0; at < where->nops;) {
		const struct op *op = &where->ops[at++];
		if (run_op(&machine, op, row, &at) < 0)
			return -1;
	}
	*holds = machine.top->number != 0;
	return 0;
}

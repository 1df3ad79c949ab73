/*
 * integral --method midpoint|simpson|gauss --frequency F --points N
 *
 * The integral of exp(-x) cos(F x) from 0 to 1 by N intervals of the midpoint rule, N intervals of
 * Simpson's (N even) or N points of Gauss and Legendre. Prints a line
 *
 *   method,frequency,points,value,error
 */
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct problem {
	const char *method, *frequency_text;
	double frequency;
	long points;
};

static double
f(const struct problem *problem, double x)
{
	return exp(-x) * cos(problem->frequency * x);
}

static double
exact(double w)
{
	return (1 + exp(-1) * (w * sin(w) - cos(w))) / (1 + w * w);
}

static double
midpoint(const struct problem *problem)
{
	double sum = 0, h = 1.0 / (double)problem->points;
	for (long i = 0; i < problem->points; i++)
		sum += f(problem, ((double)i + 0.5) * h);
	return sum * h;
}

static double
simpson(const struct problem *problem)
{
	double sum = f(problem, 0) + f(problem, 1), h = 1.0 / (double)problem->points;
	for (long i = 1; i < problem->points; i++)
		sum += (i % 2 ? 4 : 2) * f(problem, (double)i * h);
	return sum * h / 3;
}

/* The Legendre polynomial of degree N at X, and its slope, by the recurrence of three terms. */
static double
legendre(long n, double x, double *slope)
{
	double before = 1, here = x;
	for (long k = 2; k <= n; k++) {
		double next =
			((double)(2 * k - 1) * x * here - (double)(k - 1) * before) / (double)k;
		before = here;
		here = next;
	}
	*slope = (double)n * (x * here - before) / (x * x - 1);
	return here;
}

/* The points are the zeros of that polynomial, found by Newton's method. */
static double
gauss(const struct problem *problem)
{
	double sum = 0;
	long n = problem->points;
	for (long i = 0; i < n; i++) {
		double slope, x = cos(acos(-1) * ((double)i + 0.75) / ((double)n + 0.5));
		for (int step = 0; step < 8; step++)
			x -= legendre(n, x, &slope) / slope;
		legendre(n, x, &slope);
		sum += f(problem, (1 + x) / 2) / ((1 - x * x) * slope * slope);
	}
	return sum;
}

static void
usage(const char *problem)
{
	fprintf(stderr, "integral: %s\n", problem);
	fprintf(stderr, "integral --method midpoint|simpson|gauss --frequency F --points N\n");
	exit(2);
}

static struct problem
read_options(int argc, char **argv)
{
	static const struct option options[] = {{"method", required_argument, NULL, 'm'},
		{"frequency", required_argument, NULL, 'f'},
		{"points", required_argument, NULL, 'p'}, {NULL, 0, NULL, 0}};
	struct problem problem = {.method = "", .frequency_text = ""};
	char *end = "";
	for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1 && !*end;) {
		if (c == 'm') {
			problem.method = optarg;
		} else if (c == 'f') {
			problem.frequency_text = optarg;
			problem.frequency = strtod(optarg, &end);
		} else if (c == 'p') {
			problem.points = strtol(optarg, &end, 10);
		} else {
			usage("an unknown option");
		}
	}
	if (*end || optind < argc || !*problem.frequency_text || !isfinite(problem.frequency))
		usage("expected numbers");
	if (problem.points < 1 || problem.points > 1000000)
		usage("expected from 1 to 1000000 points");
	if (strcmp(problem.method, "simpson") == 0 && problem.points % 2)
		usage("expected an even number of intervals for Simpson's rule");
	return problem;
}

int
main(int argc, char **argv)
{
	struct problem problem = read_options(argc, argv);
	double value = 0;
	if (strcmp(problem.method, "midpoint") == 0)
		value = midpoint(&problem);
	else if (strcmp(problem.method, "simpson") == 0)
		value = simpson(&problem);
	else if (strcmp(problem.method, "gauss") == 0)
		value = gauss(&problem);
	else
		usage("expected a method");
	printf("%s,%s,%ld,%.15f,%.3e\n", problem.method, problem.frequency_text, problem.points,
		value, fabs(value - exact(problem.frequency)));
	return fflush(stdout) == 0 ? 0 : 1;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* Programs that a command runs. */
#ifndef FRAMEPOOL_TOOLS_PROGRAM_H
#define FRAMEPOOL_TOOLS_PROGRAM_H

/* The exit code of a shell for a command that cannot be run, or died by a signal. */
#define EXIT_NOT_RUN 127
#define EXIT_SIGNAL  128

/* In the child: become it, or say why not and end with EXIT_NOT_RUN. */
__attribute__((noreturn)) void program_exec(char **argv);

/* The exit code that stands for what waitpid() says of it. */
int program_code(int status);

#endif /* FRAMEPOOL_TOOLS_PROGRAM_H */

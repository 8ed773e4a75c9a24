/* What two modules never have in common: the text of a transcript with masks in place of addresses, ports, signal strengths
 * and times in its `<` lines. */
#ifndef HOST_LENIENT_H
#define HOST_LENIENT_H

/* A new text from malloc(). NULL: no memory. */
char *lenient_text(const char *text);

#endif

/*
 * Does nothing: the floor of every program's start.
 */
int
main(void)
{
	return 0;
}

/* Writes where no memory is. */
int main(void)
{
    *(volatile char *)0x3804 = 1;
    for (;;)
        ;
}

/* The command table, the dispatcher and the one command slot: what the open command waits for, and its one verdict. */
#include "internal.h"

#include <string.h>

#define N(forms) (forms)
#define E(forms) ((forms) << 4)
#define T        FORM_TEST
#define Q        FORM_QUERY
#define S        FORM_SET
#define X        FORM_RUN
/* clang-format off */
#define BOTH(args) { args, args }
/* clang-format on */

#define FLAG        "i0:1"
#define UART_NONOS  "i110:4608000 i5:8 i1:3 i0:2 i0:3"
#define UART_ESP_AT "i80:4500000 i5:8 i1:3 i0:2 i0:3"
#define JAP_NONOS   "s1:32 s0:64 ? S17:17 I0:1"
#define JAP_ESP_AT  "S1:32 S0:64 ? S17:17 I0:1 I0:7200 I1:100 I0:1 I3:600 I0:3"
#define DHCP_NONOS  "i0:3 i0:1"
#define DHCP_ESP_AT "i0:1 i0:3"
#define SAP         "s1:32 s0:64 i1:14 i0:4 ? i1:10 i0:1"
#define DHCPS       "i0:1 ? i1:2880 s7:15 s7:15"
#define NETWORK     "s7:15 ? s7:15 s7:15"
#define LAP         "? S0:32 S17:17 I0:14 I0:1 I0:1500 I0:1500"
#define COUNTRY     "i0:1 s1:3 i1:14 i1:14"

/* One row per name. Those of esp-at stand in the order of its own table, which AT+CMD? prints: the groups as they are
 * here [basic 2.5]. Forms: [conventions 1.12], [wifi 1.1, 1.2]. */
/* clang-format off */
const command_t commands[] = {
    /* basic and system */
    { .name = "", .forms = N(X) | E(X), .run = run_at },
    { .name = "E0", .forms = N(X) | E(X), .run = run_echo_off },
    { .name = "E1", .forms = N(X) | E(X), .run = run_echo_on },
    { .name = "+RST", .forms = N(X) | E(X), .run = run_rst },
    { .name = "+GMR", .forms = N(X) | E(X), .run = run_gmr },
    { .name = "+CMD", .forms = E(Q), .query = query_cmd },
    { .name = "+GSLP", .forms = N(S) | E(S), .schema = { "i0:2147483647", "i0:10800000" }, .set = set_gslp },
    { .name = "+SYSTIMESTAMP",
      .forms = E(Q | S),
      .schema = BOTH("i0:2147483647"),
      .query = query_systimestamp,
      .set = set_systimestamp },
    { .name = "+SLEEP",
      .forms = N(Q | S) | E(Q | S),
      .schema = { "i0:2", "i0:3" },
      .query = query_sleep,
      .set = set_sleep },
    { .name = "+RESTORE", .forms = N(X) | E(X), .run = run_restore },
    { .name = "+SYSRAM", .forms = N(Q) | E(Q), .query = query_sysram },
    { .name = "+SYSFLASH",
      .forms = E(Q | S),
      .schema = BOTH("i0:2 s1:16 ? i0:2147483647 i1:2147483647"),
      .query = query_sysflash,
      .set = set_sysflash },
    { .name = "+RFPOWER",
      .forms = N(S) | E(Q | S),
      .schema = { "i0:82", "i40:82" },
      .query = query_rfpower,
      .set = set_rfpower },
    { .name = "+SYSMSG", .forms = E(Q | S), .schema = BOTH("i0:7"), .query = query_sysmsg, .set = set_sysmsg },
    { .name = "+SYSMSG_CUR",
      .forms = N(Q | S),
      .variant = VARIANT_CUR,
      .schema = BOTH("x0:3"),
      .query = query_sysmsg,
      .set = set_sysmsg },
    { .name = "+SYSMSG_DEF",
      .forms = N(Q | S),
      .variant = VARIANT_DEF,
      .schema = BOTH("x0:3"),
      .query = query_sysmsg,
      .set = set_sysmsg },
    { .name = "+SYSROLLBACK", .forms = E(X), .run = run_sysrollback },
    { .name = "+SYSLOG", .forms = E(Q | S), .schema = BOTH(FLAG), .query = query_syslog, .set = set_syslog },
    { .name = "+SYSSTORE", .forms = E(Q | S), .schema = BOTH(FLAG), .query = query_sysstore, .set = set_sysstore },
    { .name = "+SLEEPWKCFG", .forms = E(S), .schema = BOTH("i2:2 i0:15 ? i0:1"), .set = set_accepted },
    { .name = "+SYSREG", .forms = E(S), .schema = BOTH("i0:1 w ? w"), .set = set_sysreg },
    { .name = "+WAKEUPGPIO", .forms = N(S), .schema = BOTH("i0:1 ? i0:15 i0:1 i0:15 i0:1"), .set = set_wakeupgpio },
    { .name = "+RFVDD",
      .forms = N(Q | S | X),
      .schema = BOTH("i0:65535"),
      .query = query_rfvdd,
      .set = set_rfvdd,
      .run = run_rfvdd },
    { .name = "+RFAUTOTRACE",
      .forms = N(Q | S),
      .schema = BOTH(FLAG),
      .query = query_rfautotrace,
      .set = set_rfautotrace },
    { .name = "+SYSIOSETCFG", .forms = N(S), .schema = BOTH("i0:65535 i0:4 i0:1"), .set = set_sysiosetcfg },
    { .name = "+SYSIOGETCFG", .forms = N(S), .schema = BOTH("i0:65535"), .set = set_sysiogetcfg },
    { .name = "+SYSGPIODIR", .forms = N(S), .schema = BOTH("i0:65535 i0:1"), .set = set_sysgpiodir },
    { .name = "+SYSGPIOWRITE", .forms = N(S), .schema = BOTH("i0:65535 i0:1"), .set = set_sysgpiowrite },
    { .name = "+SYSGPIOREAD", .forms = N(S), .schema = BOTH("i0:65535"), .set = set_sysgpioread },
    { .name = "+SYSADC", .forms = N(Q), .query = query_sysadc },
    { .name = "+TEST",
      .forms = N(T | Q | S | X),
      .schema = BOTH("i-2147483647:2147483647 s0:200 ? i-2147483647:2147483647"),
      .test = test_test,
      .query = query_test,
      .set = set_test,
      .run = run_test },

    /* user */
    { .name = "+USERRAM",
      .forms = E(Q | S),
      .schema = BOTH("i0:4 ? i-2147483647:2147483647 i0:2147483647"),
      .query = query_userram,
      .set = set_userram },
    { .name = "+USEROTA", .forms = E(S), .schema = BOTH("i1:8192"), .set = set_userota },
    { .name = "+USERWKMCUCFG",
      .forms = E(S),
      .schema = BOTH("i0:1 ? i1:2 i0:255 i0:255 i0:60000 i0:7"),
      .set = set_userwkmcucfg },
    { .name = "+USERMCUSLEEP", .forms = E(S), .schema = BOTH(FLAG), .set = set_usermcusleep },

    /* Wi-Fi */
    { .name = "+CWMODE",
      .forms = N(T | Q | S) | E(Q | S),
      .schema = { "i1:3", "i0:3 ? i0:1" },
      .test = test_cwmode,
      .query = query_cwmode,
      .set = set_cwmode },
    { .name = "+CWMODE_CUR",
      .forms = N(T | Q | S),
      .variant = VARIANT_CUR,
      .schema = BOTH("i1:3"),
      .test = test_cwmode,
      .query = query_cwmode,
      .set = set_cwmode },
    { .name = "+CWMODE_DEF",
      .forms = N(T | Q | S),
      .variant = VARIANT_DEF,
      .schema = BOTH("i1:3"),
      .test = test_cwmode,
      .query = query_cwmode,
      .set = set_cwmode },
    { .name = "+CWSTATE", .forms = E(Q), .query = query_cwstate },
    { .name = "+CWJAP",
      .forms = N(Q | S) | E(Q | S | X),
      .schema = { JAP_NONOS, JAP_ESP_AT },
      .query = query_cwjap,
      .set = set_cwjap,
      .run = run_cwjap },
    { .name = "+CWJAP_CUR",
      .forms = N(Q | S),
      .variant = VARIANT_CUR,
      .schema = BOTH(JAP_NONOS),
      .query = query_cwjap,
      .set = set_cwjap },
    { .name = "+CWJAP_DEF",
      .forms = N(Q | S),
      .variant = VARIANT_DEF,
      .schema = BOTH(JAP_NONOS),
      .query = query_cwjap,
      .set = set_cwjap },
    { .name = "+CWJAPTO", .forms = N(Q | S), .schema = BOTH("i3:600"), .query = query_cwjapto, .set = set_cwjapto },
    { .name = "+CWRECONNCFG",
      .forms = E(Q | S),
      .schema = BOTH("i0:7200 i0:1000"),
      .query = query_cwreconncfg,
      .set = set_cwreconncfg },
    { .name = "+CWLAP", .forms = N(S | X) | E(S | X), .schema = BOTH(LAP), .set = set_cwlap, .run = run_cwlap },
    { .name = "+CWLAPOPT",
      .forms = N(S) | E(S),
      .schema = { "i0:1 x0:2047", "i0:1 x0:2047 ? i-100:40 x0:65535" },
      .words = { TEXT_FLAG_ERROR, TEXT_MASK_ERROR },
      .set = set_cwlapopt },
    { .name = "+CWQAP", .forms = N(T | X) | E(X), .run = run_cwqap },
    { .name = "+CWSTAPROTO",
      .forms = E(Q | S),
      .schema = BOTH("i1:7"),
      .query = query_cwstaproto,
      .set = set_cwstaproto },
    { .name = "+CWAPPROTO", .forms = E(Q | S), .schema = BOTH("i1:7"), .query = query_cwapproto, .set = set_cwapproto },
    { .name = "+CWAUTOCONN",
      .forms = N(Q | S) | E(Q | S),
      .schema = BOTH(FLAG),
      .query = query_cwautoconn,
      .set = set_cwautoconn },
    { .name = "+CWCOUNTRY", .forms = E(Q | S), .schema = BOTH(COUNTRY), .query = query_cwcountry, .set = set_cwcountry },
    { .name = "+CWCOUNTRY_CUR",
      .forms = N(Q | S),
      .variant = VARIANT_CUR,
      .schema = BOTH(COUNTRY),
      .query = query_cwcountry,
      .set = set_cwcountry },
    { .name = "+CWCOUNTRY_DEF",
      .forms = N(Q | S),
      .variant = VARIANT_DEF,
      .schema = BOTH(COUNTRY),
      .query = query_cwcountry,
      .set = set_cwcountry },

    { .name = "+CWSAP",
      .forms = N(Q | S) | E(Q | S),
      .schema = BOTH(SAP),
      .query = query_cwsap,
      .set = set_cwsap },
    { .name = "+CWSAP_CUR",
      .forms = N(Q | S),
      .variant = VARIANT_CUR,
      .schema = BOTH(SAP),
      .query = query_cwsap,
      .set = set_cwsap },
    { .name = "+CWSAP_DEF",
      .forms = N(Q | S),
      .variant = VARIANT_DEF,
      .schema = BOTH(SAP),
      .query = query_cwsap,
      .set = set_cwsap },
    { .name = "+CWLIF", .forms = N(X) | E(X), .run = run_cwlif },
    { .name = "+CWQIF", .forms = E(S | X), .schema = BOTH("s17:17"), .set = set_cwqif, .run = run_cwqif },
    { .name = "+CWDHCP",
      .forms = N(Q | S) | E(Q | S),
      .schema = { DHCP_NONOS, DHCP_ESP_AT },
      .query = query_cwdhcp,
      .set = set_cwdhcp },
    { .name = "+CWDHCP_CUR",
      .forms = N(Q | S),
      .variant = VARIANT_CUR,
      .schema = BOTH(DHCP_NONOS),
      .query = query_cwdhcp,
      .set = set_cwdhcp },
    { .name = "+CWDHCP_DEF",
      .forms = N(Q | S),
      .variant = VARIANT_DEF,
      .schema = BOTH(DHCP_NONOS),
      .query = query_cwdhcp,
      .set = set_cwdhcp },
    { .name = "+CWDHCPS", .forms = E(Q | S), .schema = BOTH(DHCPS), .query = query_cwdhcps, .set = set_cwdhcps },
    { .name = "+CWDHCPS_CUR",
      .forms = N(Q | S),
      .variant = VARIANT_CUR,
      .schema = BOTH(DHCPS),
      .query = query_cwdhcps,
      .set = set_cwdhcps },
    { .name = "+CWDHCPS_DEF",
      .forms = N(Q | S),
      .variant = VARIANT_DEF,
      .schema = BOTH(DHCPS),
      .query = query_cwdhcps,
      .set = set_cwdhcps },
    { .name = "+CWHOSTNAME",
      .forms = N(Q | S) | E(Q | S),
      .schema = BOTH("s1:32"),
      .query = query_cwhostname,
      .set = set_cwhostname },
    { .name = "+CIPSTAMAC",
      .forms = N(Q | S) | E(Q | S),
      .schema = BOTH("s17:17"),
      .query = query_cipstamac,
      .set = set_cipstamac },
    { .name = "+CIPSTAMAC_CUR",
      .forms = N(Q | S),
      .variant = VARIANT_CUR,
      .schema = BOTH("s17:17"),
      .query = query_cipstamac,
      .set = set_cipstamac },
    { .name = "+CIPSTAMAC_DEF",
      .forms = N(Q | S),
      .variant = VARIANT_DEF,
      .schema = BOTH("s17:17"),
      .query = query_cipstamac,
      .set = set_cipstamac },
    { .name = "+CIPAPMAC",
      .forms = N(Q | S) | E(Q | S),
      .schema = BOTH("s17:17"),
      .query = query_cipapmac,
      .set = set_cipapmac },
    { .name = "+CIPAPMAC_CUR",
      .forms = N(Q | S),
      .variant = VARIANT_CUR,
      .schema = BOTH("s17:17"),
      .query = query_cipapmac,
      .set = set_cipapmac },
    { .name = "+CIPAPMAC_DEF",
      .forms = N(Q | S),
      .variant = VARIANT_DEF,
      .schema = BOTH("s17:17"),
      .query = query_cipapmac,
      .set = set_cipapmac },
    { .name = "+CIPSTA",
      .forms = N(Q | S) | E(Q | S),
      .schema = BOTH(NETWORK),
      .query = query_cipsta,
      .set = set_cipsta },
    { .name = "+CIPSTA_CUR",
      .forms = N(Q | S),
      .variant = VARIANT_CUR,
      .schema = BOTH(NETWORK),
      .query = query_cipsta,
      .set = set_cipsta },
    { .name = "+CIPSTA_DEF",
      .forms = N(Q | S),
      .variant = VARIANT_DEF,
      .schema = BOTH(NETWORK),
      .query = query_cipsta,
      .set = set_cipsta },
    { .name = "+CIPAP",
      .forms = N(Q | S) | E(Q | S),
      .schema = BOTH(NETWORK),
      .query = query_cipap,
      .set = set_cipap },
    { .name = "+CIPAP_CUR",
      .forms = N(Q | S),
      .variant = VARIANT_CUR,
      .schema = BOTH(NETWORK),
      .query = query_cipap,
      .set = set_cipap },
    { .name = "+CIPAP_DEF",
      .forms = N(Q | S),
      .variant = VARIANT_DEF,
      .schema = BOTH(NETWORK),
      .query = query_cipap,
      .set = set_cipap },

    /* TCP and IP */
    { .name = "+CIPSTATUS", .forms = N(T | X) | E(X), .run = run_cipstatus },
    { .name = "+CIPSTATE", .forms = E(Q), .query = query_cipstate },
    { .name = "+CIFSR", .forms = N(T | S | X) | E(X), .set = set_cifsr, .run = run_cifsr },
    { .name = "+CIPV6", .forms = E(Q | S), .schema = BOTH(FLAG), .query = query_cipv6, .set = set_cipv6 },
    { .name = "+CIPMUX", .forms = N(Q | S) | E(Q | S), .schema = BOTH(FLAG), .query = query_cipmux, .set = set_cipmux },
    { .name = "+CIPSTART", .forms = N(S) | E(S), .set = set_cipstart },
    { .name = "+CIPSTARTEX", .forms = E(S), .set = set_cipstartex },
    { .name = "+CIPTCPOPT", .forms = E(Q | S), .query = query_ciptcpopt, .set = set_ciptcpopt },
    { .name = "+CIPALIVE", .forms = N(Q), .query = query_cipalive },
    { .name = "+CIPCLOSE", .forms = N(T | S | X) | E(S | X), .set = set_cipclose, .run = run_cipclose },
    { .name = "+CIPCLOSEMODE", .forms = N(S), .schema = BOTH("L " FLAG), .set = set_cipclosemode },
    { .name = "+CIPSEND", .forms = N(T | S | X) | E(S | X), .set = set_cipsend, .run = run_cipsend },
    { .name = "+CIPSENDEX", .forms = N(T | S) | E(S), .set = set_cipsendex },
    { .name = "+CIPSENDBUF", .forms = N(S), .schema = BOTH("L i1:65535"), .set = set_cipsendbuf },
    { .name = "+CIPBUFRESET",
      .forms = N(S | X),
      .schema = BOTH("i0:4"),
      .set = set_cipbufreset,
      .run = run_cipbufreset },
    { .name = "+CIPBUFSTATUS",
      .forms = N(S | X),
      .schema = BOTH("i0:4"),
      .set = set_cipbufstatus,
      .run = run_cipbufstatus },
    { .name = "+CIPCHECKSEQ", .forms = N(S), .schema = BOTH("L i1:65535"), .set = set_cipcheckseq },
    { .name = "+CIPCHECKQUEUE", .forms = N(S), .schema = BOTH("L i1:65535"), .set = set_cipcheckseq },
    { .name = "+CIPDINFO",
      .forms = N(Q | S) | E(Q | S),
      .schema = BOTH(FLAG),
      .query = query_cipdinfo,
      .set = set_cipdinfo },
    { .name = "+CIPSERVER",
      .forms = N(S) | E(Q | S),
      .schema = { "i0:1 ? i1:65535", "i0:1 ? i0:65535 S0:8 i0:1" },
      .query = query_cipserver,
      .set = set_cipserver },
    { .name = "+CIPSERVERMAXCONN",
      .forms = N(Q | S) | E(Q | S),
      .schema = BOTH("i1:5"),
      .query = query_cipservermaxconn,
      .set = set_cipservermaxconn },
    { .name = "+CIPSTO",
      .forms = N(Q | S) | E(Q | S),
      .schema = BOTH("i0:7200"),
      .query = query_cipsto,
      .set = set_cipsto },
    { .name = "+CIPMODE",
      .forms = N(Q | S) | E(Q | S),
      .schema = BOTH(FLAG),
      .query = query_cipmode,
      .set = set_cipmode },
    { .name = "+SAVETRANSLINK", .forms = N(S) | E(S), .set = set_savetranslink },
    { .name = "+CIPRECONNINTV",
      .forms = E(Q | S),
      .schema = BOTH("i1:36000"),
      .query = query_cipreconnintv,
      .set = set_cipreconnintv },
    { .name = "+CIPRECVMODE",
      .forms = N(Q | S) | E(Q | S),
      .schema = BOTH(FLAG),
      .query = query_ciprecvmode,
      .set = set_ciprecvmode },
    { .name = "+CIPRECVDATA",
      .forms = N(S) | E(S),
      .schema = { "L i1:2048", "L i1:2147483647" },
      .set = set_ciprecvdata },
    { .name = "+CIPRECVLEN", .forms = N(Q) | E(Q), .query = query_ciprecvlen },
    { .name = "+CIPSSLSIZE",
      .forms = N(Q | S),
      .schema = BOTH("i2048:8192"),
      .query = query_cipsslsize,
      .set = set_cipsslsize },
    { .name = "+CIPSSLCCONF",
      .forms = N(Q | S) | E(Q | S),
      .schema = { "i0:3", "A i0:3 ? I0:255 I0:255" },
      .query = query_cipsslcconf,
      .set = set_cipsslcconf },
    { .name = "+CIPSSLCCIPHER",
      .forms = E(Q | S),
      .schema = BOTH("A i0:32 ? x0:65535*"),
      .query = query_cipsslccipher,
      .set = set_cipsslccipher },
    { .name = "+CIPSSLCCN",
      .forms = E(Q | S),
      .schema = BOTH("A s0:64"),
      .query = query_cipsslctext,
      .set = set_cipsslctext },
    { .name = "+CIPSSLCSNI",
      .forms = E(Q | S),
      .schema = BOTH("A s0:64"),
      .query = query_cipsslctext,
      .set = set_cipsslctext },
    { .name = "+CIPSSLCALPN",
      .forms = E(Q | S),
      .schema = BOTH("A i0:5 ? s1:255*"),
      .query = query_cipsslcalpn,
      .set = set_cipsslcalpn },
    { .name = "+CIPSSLCPSK",
      .forms = E(Q | S),
      .schema = BOTH("A s0:32 s0:32"),
      .query = query_cipsslcpsk,
      .set = set_cipsslcpsk },
    { .name = "+CIPSSLCPSKHEX",
      .forms = E(Q | S),
      .schema = BOTH("A s0:64 s0:32"),
      .query = query_cipsslcpsk,
      .set = set_cipsslcpsk },
    { .name = "+CIPSNTPCFG",
      .forms = N(Q | S) | E(Q | S),
      .schema = { "i0:1 ? i-11:13 S0:64 S0:64 S0:64", "i0:1 ? I-1259:1459 S0:64 S0:64 S0:64" },
      .query = query_cipsntpcfg,
      .set = set_cipsntpcfg },
    { .name = "+CIPSNTPTIME", .forms = N(Q) | E(Q), .query = query_cipsntptime },
    { .name = "+CIPDOMAIN", .forms = N(S) | E(S), .set = set_cipdomain },
    { .name = "+CIPDNS", .forms = E(Q | S), .query = query_cipdns, .set = set_cipdns },
    { .name = "+CIPDNS_CUR", .forms = N(Q | S), .variant = VARIANT_CUR, .query = query_cipdns, .set = set_cipdns },
    { .name = "+CIPDNS_DEF", .forms = N(Q | S), .variant = VARIANT_DEF, .query = query_cipdns, .set = set_cipdns },

    /* MQTT */

    /* mDNS, WPS, SmartConfig, PING, CIUPDATE, FACTPLCP */
    { .name = "+MDNS", .forms = N(S) | E(S), .set = set_mdns },
    { .name = "+WPS",
      .forms = N(S | X) | E(S),
      .schema = { FLAG, "i0:1 ? i0:7" },
      .words = { TEXT_WPS_ERROR, TEXT_WPS_ERROR },
      .set = set_wps,
      .run = run_wps },
    { .name = "+CWSTARTSMART",
      .forms = N(S | X) | E(S | X),
      .schema = { "i1:3", "i1:3 ? i0:7" },
      .set = set_cwstartsmart,
      .run = run_cwstartsmart },
    { .name = "+CWSTOPSMART", .forms = N(X) | E(X), .run = run_cwstopsmart },
    { .name = "+CWSTARTDISCOVER", .forms = N(S), .schema = BOTH("s1:64 s1:64 i0:86400"), .set = set_cwstartdiscover },
    { .name = "+CWSTOPDISCOVER", .forms = N(X), .run = run_cwstopdiscover },
    { .name = "+PING", .forms = N(S) | E(S), .schema = BOTH("s1:64"), .set = set_ping },
    { .name = "+CIUPDATE",
      .forms = N(X) | E(Q | S | X),
      .schema = BOTH("i0:1 ? S0:64 S0:64 I0:1"),
      .query = query_ciupdate,
      .set = set_ciupdate,
      .run = run_ciupdate },
    { .name = "+FACTPLCP", .forms = E(S), .schema = BOTH("i0:1 i0:1"), .set = set_accepted },

    /* UART */
    { .name = "+UART",
      .forms = N(Q | S) | E(Q | S),
      .schema = { UART_NONOS, UART_ESP_AT },
      .query = query_uart,
      .set = set_uart },
    { .name = "+UART_CUR",
      .forms = N(Q | S) | E(Q | S),
      .variant = VARIANT_CUR,
      .schema = { UART_NONOS, UART_ESP_AT },
      .query = query_uart,
      .set = set_uart },
    { .name = "+UART_DEF",
      .forms = N(Q | S) | E(Q | S),
      .variant = VARIANT_DEF,
      .schema = { UART_NONOS, UART_ESP_AT },
      .query = query_uart,
      .set = set_uart },
    { .name = "+IPR", .forms = N(S), .schema = BOTH("i110:4608000"), .set = set_ipr },
};
/* clang-format on */
const size_t command_count = sizeof commands / sizeof commands[0];

/* What an open command answers when its wait ends. */
/* clang-format off */
CIPMUX_TABLE slot_cell_t slot_cells[WAIT_COUNT][OUTCOME_COUNT] = {
    [WAIT_TURN] = { { 0, 0 }, { 0, 0 }, { VERDICT_DONE, 1 } },
    [WAIT_NAME] = { { VERDICT_OK, 1 }, { VERDICT_ERROR, 1 }, { VERDICT_DONE, 1 } },
    [WAIT_TARGET] = { { VERDICT_DONE, 1 }, { VERDICT_ERROR, 1 }, { VERDICT_DONE, 1 } },
    [WAIT_LINK] = { { VERDICT_OK, 1 }, { VERDICT_ERROR, 1 }, { VERDICT_DONE, 1 } },
    [WAIT_CLOSED] = { { VERDICT_OK, 1 }, { 0, 0 }, { VERDICT_DONE, 1 } },
    [WAIT_SERVER] = { { VERDICT_OK, 1 }, { VERDICT_ERROR, 1 }, { VERDICT_DONE, 1 } },
    [WAIT_JOIN] = { { VERDICT_OK, 1 }, { VERDICT_FAIL, 1 }, { VERDICT_DONE, 1 } },
    [WAIT_SCAN] = { { VERDICT_OK, 1 }, { VERDICT_ERROR, 1 }, { VERDICT_DONE, 1 } },
    [WAIT_LINE] = { { VERDICT_OK, 1 }, { 0, 0 }, { VERDICT_DONE, 1 } },
    [WAIT_SAVE] = { { VERDICT_OK, 1 }, { VERDICT_ERROR, 1 }, { VERDICT_DONE, 1 } },
    [WAIT_THROUGH] = { { VERDICT_DONE, 1 }, { VERDICT_DONE, 1 }, { VERDICT_DONE, 1 } },
    [WAIT_LIST] = { { VERDICT_OK, 1 }, { 0, 0 }, { VERDICT_DONE, 1 } },
    [WAIT_STORE] = { { VERDICT_LATER, 1 }, { VERDICT_ERROR, 1 }, { VERDICT_DONE, 1 } }, /* LATER: the one it has */
    [WAIT_READ] = { { VERDICT_OK, 1 }, { 0, 0 }, { VERDICT_DONE, 1 } },
    [WAIT_HOST] = { { 0, 0 }, { VERDICT_ERROR, 1 }, { VERDICT_DONE, 1 } },
    [WAIT_ECHO] = { { VERDICT_OK, 1 }, { VERDICT_ERROR, 1 }, { VERDICT_DONE, 1 } },
    [WAIT_UPDATE] = { { VERDICT_OK, 1 }, { VERDICT_ERROR, 1 }, { VERDICT_DONE, 1 } },
};
/* clang-format on */

/* ---- verdicts ---- */

static void run_after(modem_t *m, after_t after, cipmux_line_t uart)
{
    switch (after) {
    case AFTER_RESTART: modem_restart(m, false); break;
    case AFTER_ERASE: modem_restart(m, true); break;
    case AFTER_LEAVE: wifi_leave(m); break;
    case AFTER_AUTOJOIN: wifi_autojoin(m); break;
    case AFTER_MODE: wifi_mode_changed(m); break;
    case AFTER_MODE_JOIN:
        wifi_mode_changed(m);
        wifi_autojoin(m);
        break;
    case AFTER_REJOIN: wifi_rejoin(m); break;
    case AFTER_GOT_IP: say_event(m, TEXT_WIFI_GOT_IP); break;
    case AFTER_SOFT_AP:
        soft_ap_drop(m);
        soft_ap_ask(m, true);
        break;
    case AFTER_SERVER_OFF: server_off(m); break;
    case AFTER_LINE:
        m->uart = uart;
        m->asks |= ASK_LINE;
        break;
    case AFTER_SLEEP: power_sleep(m); break;
    case AFTER_HOST_SLEEPS: wake_told(m, true); break;
    case AFTER_HOST_WAKES: wake_told(m, false); break;
    case AFTER_NOTHING: break;
    }
}

/* The one place that closes a command. */
static void conclude(modem_t *m, verdict_t verdict)
{
    slot_t *const       s = &m->slot;
    const after_t       after = (after_t)s->after;
    const cipmux_line_t uart = s->uart;
    const bool          bad = verdict == VERDICT_ERROR || verdict == VERDICT_FAIL;
    if (bad && m->syslog && s->code != 0) say(m, TEXT_ERR_CODE, s->code);
    if (verdict == VERDICT_OK) say(m, TEXT_OK);
    if (verdict == VERDICT_ERROR) say(m, TEXT_ERROR);
    if (verdict == VERDICT_FAIL) say(m, TEXT_FAIL);
    s->command = NULL;
    s->name = NULL;
    s->wait = WAIT_NONE;
    s->after = AFTER_NOTHING;
    if (!bad) run_after(m, after, uart);
}

static void finish(modem_t *m, verdict_t verdict)
{
    if (verdict == VERDICT_LATER) return;
    if (settings_must_be_stored(m)) {
        slot_wait(m, WAIT_STORE);
        m->slot.verdict = (uint8_t)verdict;
    } else {
        conclude(m, verdict);
    }
}

verdict_t slot_wait(modem_t *m, wait_t wait)
{
    m->slot.wait = (uint8_t)wait;
    m->slot.since = m->now;
    m->slot.ticket = ++m->tickets;
    return VERDICT_LATER;
}

void slot_end(modem_t *m, wait_t wait, outcome_t outcome)
{
    if (m->slot.wait != wait || wait == WAIT_NONE) return; /* nobody waits: e.g. passthrough dialled again */
    const slot_cell_t cell = slot_cells[wait][outcome];
    if (cell.legal) finish(m, (verdict_t)(cell.verdict == VERDICT_LATER ? m->slot.verdict : cell.verdict));
}

/* A restart answers nothing: the command is forgotten. */
void command_restart(modem_t *m)
{
    slot_end(m, (wait_t)m->slot.wait, OUTCOME_RESTART);
    m->slot = (slot_t){ 0 };
}

enum { CODE_PREFIX = 0x01030000, CODE_UNKNOWN = 0x01090000, CODE_FORM = 0x010c0000 };

verdict_t refuse(modem_t *m, cipmux_reason_t reason, text_t text)
{
    say(m, text);
    note(m, reason, -1, 0);
    return VERDICT_ERROR;
}

verdict_t refuse_argument(modem_t *m, fault_kind_t kind, size_t index, text_t text)
{
    m->slot.code = 0x01000000u | (uint32_t)kind << 16 | (uint32_t)index;
    say(m, text);
    note(m, CIPMUX_REASON_BAD_ARGUMENT, -1, (int32_t)index + 1);
    return VERDICT_ERROR;
}

/* The wrong number of arguments: what their values ask for, what was typed. */
verdict_t refuse_count(modem_t *m, size_t need, size_t given)
{
    refuse_argument(m, FAULT_COUNT, given < need ? given : need, TEXT_NONE);
    m->slot.code = 0x01060000u | (uint32_t)need << 8 | (uint32_t)given;
    return VERDICT_ERROR;
}

/* ---- dispatch ---- */

static const command_t *find(const modem_t *m, const char *name, size_t length)
{
    for (size_t i = 0; i < command_count; i++) {
        if (!same_text(name, length, commands[i].name)) continue;
        return dialect_forms(m->config->dialect, &commands[i]) != 0 ? &commands[i] : NULL;
    }
    return NULL;
}

static verdict_t run_set(modem_t *m, const command_t *c, char *text, size_t length)
{
    args_t args;
    args_split(&args, text, length);
    if (args.count > ARG_MAX) return refuse_argument(m, FAULT_COUNT, ARG_MAX, TEXT_NONE);
    const char *const schema = dialect_schema(m->config->dialect, c);
    if (schema == NULL) {
        args_refuse_words(m, &args);
        return c->set(m, &args);
    }
    const fault_t fault = args_check(m, &args, schema);
    if (fault.kind == FAULT_NONE) return c->set(m, &args);
    const uint16_t  word = c->words[fault.index > 0];
    const verdict_t verdict =
        refuse_argument(m, (fault_kind_t)fault.kind, fault.index, word != 0 ? (text_t)word : TEXT_NONE);
    if (fault.kind == FAULT_COUNT) m->slot.code = 0x01060000u | (uint32_t)fault.need << 8 | fault.given;
    return verdict;
}

typedef struct {
    uint8_t form; /* FORM_*; 0: malformed */
    size_t  name_length;
} shape_t;

static shape_t shape_of(const char *text, size_t length)
{
    size_t at = 0;
    while (at < length && text[at] != '=' && text[at] != '?' && text[at] != '\r')
        at++;
    shape_t shape = { .name_length = at };
    if (at == length)
        shape.form = FORM_RUN;
    else if (text[at] == '?')
        shape.form = at + 1 == length ? FORM_QUERY : 0;
    else if (text[at] == '=' && at + 1 < length && text[at + 1] == '?')
        shape.form = at + 2 == length ? FORM_TEST : 0;
    else if (text[at] == '=')
        shape.form = FORM_SET;
    return shape;
}

static verdict_t run_form(modem_t *m, const command_t *c, shape_t shape, char *text, size_t length)
{
    switch (shape.form) {
    case FORM_TEST: return c->test != NULL ? c->test(m) : VERDICT_OK;
    case FORM_QUERY: return c->query(m);
    case FORM_SET: return run_set(m, c, text + shape.name_length + 1, length - shape.name_length - 1);
    default: return c->run(m);
    }
}

static void note_unknown(modem_t *m, const char *name, size_t length)
{
    static const char mqtt[] = "+MQTT";
    const bool        is_mqtt = length >= sizeof mqtt && memcmp(name, mqtt, sizeof mqtt - 1) == 0;
    const bool        later = is_mqtt && m->family == FAMILY_ESP_AT;
    note(m, later ? CIPMUX_REASON_NOT_BUILT_IN : CIPMUX_REASON_UNKNOWN_COMMAND, -1, 0);
    note_t *const last = &m->note[(m->note_head + m->note_fill - 1u) % NOTE_RING];
    if (length > NOTE_TEXT - 3) length = NOTE_TEXT - 3;
    memcpy(last->text, "AT", 2);
    for (size_t i = 0; i < length; i++)
        last->text[i + 2] = name[i] >= ' ' && name[i] <= '~' ? name[i] : '?';
    last->text[length + 2] = '\0';
}

void command_malformed(modem_t *m, bool overlong)
{
    m->slot.code = CODE_PREFIX;
    note(m, overlong ? CIPMUX_REASON_LINE_TOO_LONG : CIPMUX_REASON_NO_COMMAND, -1, 0);
    finish(m, VERDICT_ERROR);
}

static void run_now(modem_t *m, char *text, size_t length)
{
    slot_t *const s = &m->slot;
    const shape_t shape = shape_of(text, length);
    *s = (slot_t){ .command = find(m, text, shape.name_length) };
    if (s->command == NULL) {
        s->code = CODE_UNKNOWN;
        note_unknown(m, text, shape.name_length);
        finish(m, VERDICT_ERROR);
        return;
    }
    if ((dialect_forms(m->config->dialect, s->command) & shape.form) == 0) {
        s->code = CODE_FORM;
        note(m, CIPMUX_REASON_NO_SUCH_FORM, -1, 0);
        finish(m, VERDICT_ERROR);
        return;
    }
    finish(m, run_form(m, s->command, shape, text, length));
}

void command_line(modem_t *m, char *text, size_t length)
{
    if (time_us(m, CIPMUX_TIME_COMMAND) == 0) {
        run_now(m, text, length);
        return;
    }
    m->slot = (slot_t){ .n = (uint16_t)length };
    slot_wait(m, WAIT_TURN);
}

/* ---- lists ---- */

/* The command prints a list, as the reply has room: `line` says one entry, false behind the last. */
verdict_t slot_list(modem_t *m, bool (*line)(modem_t *, size_t))
{
    m->slot.line = line;
    m->slot.n = 0;
    return slot_wait(m, WAIT_LIST);
}

void slot_settle(modem_t *m)
{
    while (m->slot.wait == WAIT_LIST && reply_has_room(m))
        if (!m->slot.line(m, m->slot.n++)) slot_end(m, WAIT_LIST, OUTCOME_DONE);
}

static bool say_command(modem_t *m, size_t index)
{
    size_t seen = 0;
    for (size_t i = 0; i < command_count; i++) {
        const unsigned forms = m->family == FAMILY_NONOS ? commands[i].forms & 15u : commands[i].forms >> 4;
        if (forms == 0 || seen++ != index) continue;
        say(m, TEXT_COMMAND, (int)index, commands[i].name, forms & 1u, forms >> 1 & 1u, forms >> 2 & 1u,
            forms >> 3 & 1u);
        return true;
    }
    return false;
}

/* [basic 2.5] */
verdict_t query_cmd(modem_t *m)
{
    return slot_list(m, say_command);
}

/* ---- names ---- */

/* The answer to RESOLVE, or family 0 when nobody answered in time. */
void slot_resolved(modem_t *m, const cipmux_address_t *address)
{
    slot_t *const s = &m->slot;
    link_t *const link = &m->link[s->link];
    if (s->wait == WAIT_TARGET) {
        sender_resolved(m, address);
    } else if (s->wait == WAIT_HOST) {
        services_found(m, address);
    } else if (s->wait == WAIT_LINK || s->wait == WAIT_THROUGH) {
        const uint16_t port = link->peer.port;
        if (address->family != 0) link->peer = *address;
        link->peer.port = port;
        slot_end(m, WAIT_THROUGH, OUTCOME_DONE);
        link_step(m, s->link, address->family != 0 ? LINK_FOUND : LINK_NOT_FOUND);
    } else if (s->wait == WAIT_SAVE) {
        if (address->family != 0)
            settings_take_translink(m);
        else
            note(m, CIPMUX_REASON_DNS_FAIL, -1, 0);
        slot_end(m, WAIT_SAVE, address->family != 0 ? OUTCOME_DONE : OUTCOME_FAILED);
    } else if (address->family != 0) {
        say(m, TEXT_DOMAIN, address);
        slot_end(m, WAIT_NAME, OUTCOME_DONE);
    } else {
        say(m, TEXT_DNS_FAIL);
        note(m, CIPMUX_REASON_DNS_FAIL, -1, 0);
        slot_end(m, WAIT_NAME, OUTCOME_FAILED);
    }
}

bool slot_resolves(const modem_t *m)
{
    const slot_t *const s = &m->slot;
    if (s->wait == WAIT_LINK) return m->link[s->link].state == LINK_RESOLVING;
    return s->wait == WAIT_NAME || s->wait == WAIT_TARGET || s->wait == WAIT_SAVE || s->wait == WAIT_THROUGH ||
           s->wait == WAIT_HOST;
}

uint64_t slot_deadline(const modem_t *m)
{
    if (m->slot.wait == WAIT_TURN) return m->slot.since + time_us(m, CIPMUX_TIME_COMMAND);
    return slot_resolves(m) ? m->slot.since + time_us(m, CIPMUX_TIME_DNS_LIMIT) : CIPMUX_NEVER;
}

void slot_tick(modem_t *m)
{
    const cipmux_address_t none = { 0 };
    if (m->now < slot_deadline(m)) return;
    if (m->slot.wait == WAIT_TURN) {
        run_now(m, m->line.text, m->slot.n);
        return;
    }
    m->asks &= ~(uint32_t)ASK_RESOLVE;
    slot_resolved(m, &none);
}

/* Virtual and real addresses, their texts, and the rules of publishing. */
#include "address.h"
#include "port.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static cipmux_address_t at(const char *text, uint16_t port)
{
    cipmux_address_t address;
    assert_true(address_parse(text, strlen(text), &address));
    address.port = port;
    return address;
}

static void check_text(const cipmux_address_t *address, const char *expected)
{
    char text[ADDRESS_TEXT_MAX];
    assert_string_equal(address_text(address, text), expected);
}

static void routes_follow_the_map(void **state)
{
    (void)state;
    static const struct {
        const char     *to;
        address_scope_t scope;
        cipmux_route_t  by;
        const char     *real; /* NULL: not reachable */
        host_reason_t   reason;
        bool            here;
    } cases[] = {
        { "10.0.2.2", SCOPE_ALL, CIPMUX_BY_STATION, "127.0.0.1:80", HOST_REASON_NONE, true },
        { "10.0.2.2", SCOPE_LOCAL, CIPMUX_BY_STATION, "127.0.0.1:80", HOST_REASON_NONE, true },
        { "10.0.2.2", SCOPE_NONE, CIPMUX_BY_STATION, NULL, HOST_REASON_NET_LIMIT, false },
        { "127.0.0.1", SCOPE_ALL, CIPMUX_BY_STATION, "127.0.0.1:80", HOST_REASON_LOOPBACK_IS_MODULE, true },
        { "127.9.9.9", SCOPE_LOCAL, CIPMUX_BY_STATION, "127.0.0.1:80", HOST_REASON_LOOPBACK_IS_MODULE, true },
        { "::1", SCOPE_LOCAL, CIPMUX_BY_STATION, "[::1]:80", HOST_REASON_LOOPBACK_IS_MODULE, true },
        { "0.0.0.0", SCOPE_LOCAL, CIPMUX_BY_STATION, "0.0.0.0:80", HOST_REASON_NONE, true },
        { "10.0.2.3", SCOPE_ALL, CIPMUX_BY_STATION, NULL, HOST_REASON_NOBODY_THERE, false },
        { "10.0.2.15", SCOPE_ALL, CIPMUX_BY_STATION, NULL, HOST_REASON_NOBODY_THERE, false },
        { "192.0.2.7", SCOPE_ALL, CIPMUX_BY_STATION, "192.0.2.7:80", HOST_REASON_NONE, false },
        { "192.0.2.7", SCOPE_LOCAL, CIPMUX_BY_STATION, NULL, HOST_REASON_NET_LIMIT, false },
        { "2001:db8::7", SCOPE_ALL, CIPMUX_BY_STATION, "[2001:db8::7]:80", HOST_REASON_NONE, false },
        { "2001:db8::7", SCOPE_LOCAL, CIPMUX_BY_STATION, NULL, HOST_REASON_NET_LIMIT, false },
        { "10.0.2.2", SCOPE_ALL, CIPMUX_NO_ROUTE, NULL, HOST_REASON_SOFT_AP_ONLY, false },
        { "192.168.4.2", SCOPE_ALL, CIPMUX_BY_SOFT_AP, "127.0.0.1:80", HOST_REASON_NONE, true },
        { "192.168.4.3", SCOPE_ALL, CIPMUX_BY_SOFT_AP, NULL, HOST_REASON_NOBODY_THERE, false },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cipmux_address_t to = at(cases[i].to, 80);
        address_route_t  route = address_route(cases[i].scope, cases[i].by, cases[i].real != NULL, &to);
        assert_int_equal(route.reachable, cases[i].real != NULL);
        assert_int_equal(route.reason, cases[i].reason);
        assert_int_equal(route.here, cases[i].here);
        if (cases[i].real) check_text(&route.real, cases[i].real);
    }
}

static void broadcast_and_groups_stay_here_with_a_local_net(void **state)
{
    (void)state;
    cipmux_address_t everybody = at("255.255.255.255", 9), network = at("10.0.2.255", 9), group = at("239.1.2.3", 9);
    address_route_t  route = address_route(SCOPE_ALL, CIPMUX_BY_STATION, false, &everybody);
    assert_true(route.reachable && route.broadcast && !route.here);
    check_text(&route.real, "255.255.255.255:9");
    route = address_route(SCOPE_LOCAL, CIPMUX_BY_STATION, false, &network);
    assert_true(route.reachable && route.broadcast && route.here);
    check_text(&route.real, "127.255.255.255:9");
    route = address_route(SCOPE_LOCAL, CIPMUX_BY_STATION, false, &group);
    assert_true(route.reachable && route.multicast && route.here);
    route = address_route(SCOPE_NONE, CIPMUX_BY_STATION, false, &group);
    assert_false(route.reachable);
}

static void peers_on_this_computer_are_the_gateway(void **state)
{
    (void)state;
    cipmux_address_t loopback = at("127.0.0.1", 51234), own = at("192.0.2.9", 51234), other = at("192.0.2.8", 51234);
    cipmux_address_t seen = address_seen(&loopback, NULL, NULL);
    check_text(&seen, "10.0.2.2:51234");
    seen = address_seen(&own, &own, NULL); /* connected to its own address */
    check_text(&seen, "10.0.2.2:51234");
    const uint8_t station[4] = { 192, 168, 4, 2 };
    seen = address_seen(&loopback, NULL, station);
    check_text(&seen, "192.168.4.2:51234");
    seen = address_seen(&other, &own, NULL);
    check_text(&seen, "192.0.2.8:51234");
}

static void sockaddr_there_and_back(void **state)
{
    (void)state;
    static const char *const texts[] = { "10.0.2.2", "255.255.255.255", "::1", "fe80::1" };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct sockaddr_storage storage;
        cipmux_address_t        address = at(texts[i], 65535);
        assert_int_not_equal(address_to_sockaddr(&address, &storage), 0);
        cipmux_address_t back = address_from_sockaddr(&storage);
        assert_memory_equal(&back, &address, sizeof back);
    }
    struct sockaddr_storage storage;
    cipmux_address_t        mapped = at("::ffff:192.0.2.1", 7); /* an IPv4 client of an IPv6 socket */
    address_to_sockaddr(&mapped, &storage);
    cipmux_address_t back = address_from_sockaddr(&storage);
    check_text(&back, "192.0.2.1:7");
}

static void texts_that_are_no_address(void **state)
{
    (void)state;
    static const char *const texts[] = { "", "10.0.2", "10.0.2.256", "lab", "10.0.2.2 ", "1:2", "10.0.2.2:80" };
    cipmux_address_t         address;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_false(address_parse(texts[i], strlen(texts[i]), &address));
}

static void publish_rules(void **state)
{
    (void)state;
    static const struct {
        const char *text, *at;
        uint16_t    port;
        bool        udp;
    } good[] = {
        { "8080:80", NULL, 80, false },
        { "0:80", NULL, 80, false },
        { "0.0.0.0:8080:80", "0.0.0.0:8080", 80, false },
        { "192.0.2.1:53:53/udp", "192.0.2.1:53", 53, true },
        { "[::1]:8080:80/tcp", "[::1]:8080", 80, false },
        { "65535:65535", NULL, 65535, false },
    };
    static const char *const bad[] = { "",         "80",       ":80",        "80:",         "a:80",     "80:b", "80:0",
                                       "65536:80", "80:65536", "80:80/sctp", "::1:8080:80", "lab:8:80", ":8:80" };
    publish_t                rule;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(publish_parse(good[i].text, &rule));
        assert_int_equal(rule.port, good[i].port);
        assert_int_equal(rule.udp, good[i].udp);
        if (good[i].at)
            check_text(&rule.at, good[i].at);
        else
            assert_int_equal(rule.at.family, 0);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(publish_parse(bad[i], &rule));
}

static void ports_are_published_on_loopback(void **state)
{
    (void)state;
    publish_t rules[3];
    assert_true(publish_parse("8081:80", &rules[0]));
    assert_true(publish_parse("0.0.0.0:5353:53/udp", &rules[1]));
    assert_true(publish_parse("9000:80", &rules[2]));
    static const struct {
        bool        udp;
        uint16_t    port;
        uint8_t     family;
        const char *at;
    } cases[] = {
        { false, 80, 4, "127.0.0.1:9000" }, /* the last rule wins */
        { false, 53, 4, "127.0.0.1:8053" },  { true, 53, 4, "0.0.0.0:5353" },      { true, 80, 4, "127.0.0.1:8080" },
        { false, 333, 4, "127.0.0.1:8333" }, { false, 1023, 4, "127.0.0.1:9023" }, { false, 1024, 4, "127.0.0.1:1024" },
        { false, 65535, 6, "[::1]:65535" },  { true, 0, 4, "127.0.0.1:0" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cipmux_address_t found = publish_find(rules, 3, cases[i].udp, cases[i].port, cases[i].family);
        check_text(&found, cases[i].at);
    }
}

static void redirect_rules(void **state)
{
    (void)state;
    static const struct {
        const char *text, *from, *to;
        bool        udp;
    } good[] = {
        { "10.0.2.2:123:5123/udp", "10.0.2.2:123", "127.0.0.1:5123", true },
        { "192.0.2.1:80:8080", "192.0.2.1:80", "127.0.0.1:8080", false },
        { "192.0.2.1:65535:65535/tcp", "192.0.2.1:65535", "127.0.0.1:65535", false },
        { "[2001:db8::1]:1:1", "[2001:db8::1]:1", "[::1]:1", false },
    };
    static const char *const bad[] = { "",
                                       "80",
                                       ":80",
                                       "80:80",
                                       "10.0.2.2:80",
                                       "lab:80:80",
                                       "10.0.2.2:0:1",
                                       "10.0.2.2:1:0",
                                       "10.0.2.2:1:1/x",
                                       "::1:80:80",
                                       "[::1:80:80",
                                       "10.0.2.2::80",
                                       "10.0.2.2:80:",
                                       "10.0.2.2:80:65536" };
    redirect_t               rule;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(redirect_parse(good[i].text, &rule));
        assert_int_equal(rule.udp, good[i].udp);
        check_text(&rule.from, good[i].from);
        const cipmux_address_t to = redirect_to(&rule);
        check_text(&to, good[i].to);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(redirect_parse(bad[i], &rule));
}

static void redirects_are_found_both_ways(void **state)
{
    (void)state;
    redirect_t rules[3];
    assert_true(redirect_parse("192.0.2.1:53:5300/udp", &rules[0]));
    assert_true(redirect_parse("192.0.2.1:53:5301", &rules[1]));
    assert_true(redirect_parse("192.0.2.1:53:5302/udp", &rules[2]));
    const cipmux_address_t to = at("192.0.2.1", 53), other = at("192.0.2.1", 54), back = at("127.0.0.1", 5300),
                           stranger = at("127.0.0.2", 5300);
    assert_ptr_equal(redirect_find(rules, 3, true, &to), &rules[2]); /* the last rule wins */
    assert_ptr_equal(redirect_find(rules, 2, true, &to), &rules[0]);
    assert_ptr_equal(redirect_find(rules, 3, false, &to), &rules[1]);
    assert_null(redirect_find(rules, 3, true, &other));
    assert_ptr_equal(redirect_back(rules, 3, true, &back), &rules[0]);
    assert_null(redirect_back(rules, 3, false, &back));
    assert_null(redirect_back(rules, 3, true, &stranger));
}

static void places_of_the_serial_port(void **state)
{
    (void)state;
    port_place_t place;
    assert_true(port_place_parse("4000", &place));
    assert_string_equal(place.host, "127.0.0.1");
    assert_int_equal(place.port, 4000);
    assert_true(port_place_parse("0.0.0.0:0", &place));
    assert_string_equal(place.host, "0.0.0.0");
    assert_true(port_place_parse("localhost:1", &place));
    assert_string_equal(place.host, "127.0.0.1");
    assert_true(port_place_parse("[::1]:65535", &place));
    assert_string_equal(place.host, "::1");
    static const char *const bad[] = { "", ":", "x", "1x", "-1", "65536", "lab:1", "127.0.0.1:", "[::1]" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(port_place_parse(bad[i], &place));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(routes_follow_the_map),
        cmocka_unit_test(broadcast_and_groups_stay_here_with_a_local_net),
        cmocka_unit_test(peers_on_this_computer_are_the_gateway),
        cmocka_unit_test(sockaddr_there_and_back),
        cmocka_unit_test(texts_that_are_no_address),
        cmocka_unit_test(publish_rules),
        cmocka_unit_test(ports_are_published_on_loopback),
        cmocka_unit_test(redirect_rules),
        cmocka_unit_test(redirects_are_found_both_ways),
        cmocka_unit_test(places_of_the_serial_port),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

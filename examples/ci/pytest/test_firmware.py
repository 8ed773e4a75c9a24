"""Stands for the tests of a firmware."""
import socket


def test_green(modem):
    modem.at("AT+CWMODE=1")
    modem.at('AT+CWJAP="lab","password"')
    modem.at("AT+CIPMUX=1")
    modem.at("AT+CIPSERVER=1,80")
    with socket.create_connection((modem.host, 8080), 10) as client:
        modem.until(b"0,CONNECT\r\n")
        client.sendall(b"hello")
        modem.until(b"+IPD,0,5:hello")


def test_red(modem):
    """A server without AT+CIPMUX=1: every answer is OK here, and ERROR on hardware."""
    modem.at("AT+CWMODE=1")
    modem.at('AT+CWJAP="lab","password"')
    modem.at("AT+CIPSERVER=1,80")

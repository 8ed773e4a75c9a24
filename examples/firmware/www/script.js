// Asks for the ADC's value again and again, one request at a time.
"use strict";
const volts = document.getElementById("volts");
const meter = document.getElementById("meter");
const REFERENCE = 5.0;
const PAUSE = 1000;

async function show() {
    try {
        const answer = await fetch("/value.json", { cache: "no-store" });
        const { adc } = await answer.json();
        volts.textContent = (adc * REFERENCE / 1023).toFixed(2);
        meter.value = adc;
    } catch (error) {
        volts.textContent = "?";
    }
    setTimeout(show, PAUSE);
}

show();

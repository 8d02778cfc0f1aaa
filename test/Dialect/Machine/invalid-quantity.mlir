// RUN: portolan-opt %s -split-input-file -verify-diagnostics

// The rules of a figure; each case bears the label of its rule.

// quantity_c1
machine.system @m family = switched title = "t" {
  // expected-error @below {{'machine.power' op field 'per_chip' expects a unit ('W'), got none}}
  machine.power per_chip <5, V, "page">
}

// -----

// quantity_c2: a missing source
machine.system @m family = switched title = "t" {
  // expected-error @below {{'machine.power' op field 'per_chip' expects a source, got none}}
  machine.power per_chip <5 "W", V>
}

// -----

// quantity_c2: an empty source
machine.system @m family = switched title = "t" {
  // expected-error @below {{'machine.power' op field 'per_chip' expects a source, got none}}
  machine.power per_chip <5 "W", V, " ">
}

// -----

// quantity_c3
machine.system @m family = switched title = "t" {
  // expected-error @below {{'machine.power' op field 'per_chip' expects the unit 'W', got 'kW'}}
  machine.power per_chip <5 "kW", V, "page">
}

// -----

// quantity_c3: the unit of a peak depends on the kind of its engine
machine.system @m family = switched title = "t" {
  machine.engine "v" vector {
    // expected-error @below {{'machine.rate' op field 'peak' expects the unit 'results/s', got 'flop/s'}}
    machine.rate f32 peak <1 "flop/s", V, "page">
  }
}

// -----

// quantity_c4: derived, no corner
machine.system @m family = switched title = "t" {
  // expected-error @below {{'machine.power' op field 'per_chip' is derived and expects 'low' and 'high', got neither}}
  machine.power per_chip <5 "W", D, "formula">
}

// -----

// quantity_c4: assumed, one corner
machine.system @m family = switched title = "t" {
  // expected-error @below {{'machine.power' op field 'per_chip' is assumed and expects 'low' and 'high', got no 'high'}}
  machine.power per_chip <5 "W" low 6, assumed, "guess">
}

// -----

// quantity_c5
machine.system @m family = switched title = "t" {
  // expected-error @below {{'machine.power' op field 'per_chip' expects finite figures of at least 0, got -5}}
  machine.power per_chip <-5 "W", V, "page">
}

// -----

// quantity_c6: less power is better, so low is the larger number
machine.system @m family = switched title = "t" {
  // expected-error @below {{'machine.power' op field 'per_chip' expects low >= value >= high (low is the slower or smaller machine), got 4, 5, 6}}
  machine.power per_chip <5 "W" low 4 high 6, E, "page">
}

// -----

// quantity_c6: more memory is better
machine.system @m family = switched title = "t" {
  // expected-error @below {{'machine.memory' op field 'capacity' expects low <= value <= high (low is the slower or smaller machine), got 6, 5, 4}}
  machine.memory "hbm" capacity <5 "bytes" low 6 high 4, E, "page"> {}
}

// -----

// quantity_c7: more than all
machine.system @m family = switched title = "t" {
  // expected-error @below {{'machine.overheads' op field 'reserve' expects a fraction from 0 to 1, got 1.5}}
  machine.overheads reserve <1.5 "fraction", V, "page">
}

// -----

// quantity_c7: no efficiency
machine.system @m family = switched title = "t" {
  machine.memory "hbm" capacity <5 "bytes", V, "page"> {
    // expected-error @below {{'machine.stream' op field 'efficiency' expects a fraction above 0 and at most 1, got 0}}
    machine.stream any efficiency <0 "fraction", V, "page">
  }
}

// -----

// quantity_c8
machine.system @m family = switched title = "t" {
  // expected-error @below {{'machine.price' op field 'per_chip' expects a figure above 0, got 0 (leave out what is unknown)}}
  machine.price per_chip <0 "USD/h", V, "page">
}

// -----

// A figure in a list is checked too.
machine.system @m family = switched title = "t" {
  // expected-error @below {{'machine.link' op field 'axis_bandwidth' expects a source, got none}}
  machine.link "l" bandwidth <1 "bytes/s", V, "page">
    axis_bandwidth [#machine.quantity<1 "bytes/s", V>]
    efficiency <1 "fraction", V, "page"> latency <1 "s", V, "page">
    start <1 "s", V, "page"> message_gap <1 "s", V, "page">
}

// -----

// A confidence is one of the known ones.
machine.system @m family = switched title = "t" {
  // expected-error @below {{expects a confidence (V, V3, Mv, M3, P, mem, E, D or assumed), got 'sure'}}
  machine.power per_chip <5 "W", sure, "page">
}

// -----

// A figure has a value.
machine.system @m family = switched title = "t" {
  // expected-error @below {{expected floating point literal}}
  machine.power per_chip <"W", V, "page">
}

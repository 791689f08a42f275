package types

var table []Explanation

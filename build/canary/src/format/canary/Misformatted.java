package canary;

/** Wrong: indented by four, which Spotless reports before anything is compiled. */
class Misformatted {
    static int one() { return 1; }
}

package androidx.test.runner.lifecycle;

/** Stands in for the class of this name that Robolectric asks for. */
public enum ApplicationStage {
    PRE_ON_CREATE, CREATED
}

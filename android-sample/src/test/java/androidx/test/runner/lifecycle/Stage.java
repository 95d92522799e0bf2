package androidx.test.runner.lifecycle;

/** Stands in for the class of this name that Robolectric asks for. */
public enum Stage {
    PRE_ON_CREATE, CREATED, STARTED, RESUMED, PAUSED, STOPPED, RESTARTED, DESTROYED
}

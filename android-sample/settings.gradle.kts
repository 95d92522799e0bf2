// Includes the SDK from this repository; an app of its own would name the published library instead.
pluginManagement {
    repositories {
        google()
        mavenCentral()
        gradlePluginPortal()
    }
}

dependencyResolutionManagement {
    repositories {
        google()
        mavenCentral()
    }
}

rootProject.name = "android-sample"
include(":kazasu")
project(":kazasu").projectDir = file("../bindings/kotlin")
